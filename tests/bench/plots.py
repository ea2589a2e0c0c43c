# plots.py - the two pictures of a run, as SVG that reads in light and in dark.
# SPDX-License-Identifier: MIT

import math
from xml.sax.saxutils import escape

WIDTH = 860
LEFT = 250
RIGHT = 30
ROW = 34
TOP = 96
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.small { font-size: 11px; fill: #59636e; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.one { stroke: #59636e; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .one { stroke: #9198a1; }
}
"""
# Seen apart by most people with poor colour vision, and against both grounds;
# the shape helps where the colour does not.
MARKS = {
    "godwit": ("#e5532d", "circle"), "bun": ("#c58fd6", "square"),
    "floor": ("#8b949e", "bar"), "ws": ("#3fa34d", "diamond"),
    "socketio": ("#b58900", "square"), "nats": ("#2f81f7", "diamond"),
    "nchan": ("#17a2a2", "square"), "mosquitto": ("#d0588f", "diamond"),
    "bare": ("#8b949e", "bar"), "binary": ("#8b949e", "square"),
    "centrifuge": ("#2f81f7", "diamond"), "centrifuge-protobuf": ("#17a2a2", "diamond"),
    "godwit-lite": ("#e5a02d", "circle"), "godwit-plain": ("#d0588f", "circle"),
}


def mark(name, x, y, size=5.0):
    colour, shape = MARKS.get(name, ("#8b949e", "circle"))
    if name == "godwit":
        size *= 1.4
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{colour}"/>'
    if shape == "bar":
        return (f'<rect x="{x - 1.5:.1f}" y="{y - 9:.1f}" width="3" height="18" '
                f'fill="{colour}"/>')
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    return (f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" '
            f'height="{2 * size:.1f}" fill="{colour}"{turn}/>')


class Plot:
    """Rows of values on a logarithmic scale."""

    def __init__(self, title, note, num_rows, low, high):
        self.low = math.log10(low)
        self.high = math.log10(high)
        self.height = TOP + num_rows * ROW + 34
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'role="img" aria-label="{escape(title)}">',
            f"<style>{STYLE}</style>",
            f'<text class="title" x="16" y="26">{escape(title)}</text>',
            f'<text class="small" x="16" y="46">{escape(note)}</text>',
        ]

    def x(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def legend(self, peers):
        x = 22
        for name, label in peers:
            self.parts.append(mark(name, x, 68))
            self.parts.append(f'<text x="{x + 12}" y="72">{escape(label)}</text>')
            x += 34 + 8 * len(label)

    def scale(self, write, strong=None):
        bottom = self.height - 30
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for step in (1, 2, 5):
                value = step * 10.0 ** power
                if not self.low - 1e-9 <= math.log10(value) <= self.high + 1e-9:
                    continue
                kind = "one" if value == strong else "grid"
                x = self.x(value)
                self.parts.append(f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 10}" '
                                  f'x2="{x:.1f}" y2="{bottom}"/>')
                self.parts.append(f'<text class="small" text-anchor="middle" x="{x:.1f}" '
                                  f'y="{bottom + 16}">{write(value)}</text>')

    def row(self, number, label):
        y = TOP + number * ROW + ROW / 2
        self.parts.append(f'<text x="{LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">'
                          f"{escape(label)}</text>")
        return y

    def text(self):
        return "\n".join(self.parts + ["</svg>", ""])


def around(values):
    """A scale that holds them, with some room."""
    return min(values) / 1.25, max(values) * 1.25


def cpu(rows, peers):
    """rows: (label, {peer: CPU time in parts of Bun's})."""
    values = [v for _, r in rows for v in r.values() if v > 0]
    plot = Plot("CPU time of the server, in parts of Bun's",
                "per delivery, round trip or connection; server and generator on one CPU; "
                "further left is better", len(rows), *around(values + [1]))
    plot.legend(peers)
    plot.scale(lambda v: f"{v:g}", strong=1)
    for number, (label, row) in enumerate(rows):
        y = plot.row(number, label)
        # Godwit on top of what it hides.
        for name in sorted(row, key=lambda n: n == "godwit"):
            if row[name] > 0:
                plot.parts.append(mark(name, plot.x(row[name]), y))
    return plot.text()


def latency(rows, peers):
    """rows: (label, [(peer, p50_us, p99_us)])."""
    lines = sum(len(r) for _, r in rows)
    values = [v for _, r in rows for _, low, high in r for v in (low, high) if v > 0]
    plot = Plot("Latency, from median to 99th percentile",
                "from sending to delivery; server and generator on one CPU each; "
                "further left is better", 0, *around(values))
    height = 16
    plot.height = TOP + lines * height + len(rows) * 18 + 34
    plot.parts[0] = plot.parts[0].replace(f"{WIDTH} {TOP + 34}", f"{WIDTH} {plot.height}")
    plot.legend(peers)
    plot.scale(lambda v: f"{v / 1000:g} ms" if v >= 1000 else f"{v:g} us")
    y = TOP
    for label, row in rows:
        middle = y + len(row) * height / 2
        plot.parts.append(f'<text x="{LEFT - 14}" y="{middle + 4:.1f}" text-anchor="end">'
                          f"{escape(label)}</text>")
        for name, low, high in row:
            colour = MARKS.get(name, ("#8b949e", ""))[0]
            x1, x2 = plot.x(max(low, 0.1)), plot.x(max(high, 0.1))
            plot.parts.append(f'<rect x="{x1:.1f}" y="{y + 3:.1f}" '
                              f'width="{max(x2 - x1, 2):.1f}" height="{height - 6}" rx="2" '
                              f'fill="{colour}"/>')
            y += height
        y += 18
    return plot.text()


def clients(rows, peers):
    """rows: (label, {client: messages a second in parts of the bare WebSocket's})."""
    values = [v for _, r in rows for v in r.values() if v > 0]
    plot = Plot("Messages a second, in parts of the bare WebSocket's",
                "received and handed to a handler; batched: where the protocol knows of it; "
                "further right is better", len(rows), *around(values + [1]))
    plot.legend(peers)
    plot.scale(lambda v: f"{v:g}", strong=1)
    for number, (title, row) in enumerate(rows):
        y = plot.row(number, title)
        for name in sorted(row, key=lambda n: n == "godwit"):
            plot.parts.append(mark(name, plot.x(row[name]), y))
    return plot.text()
