# report.py - the tables of a run, for the terminal and for docs/performance.md.
# SPDX-License-Identifier: MIT

import os
import platform
import re
import statistics

import plots
from workloads import (BYTES_BAR, BYTES_PRESENCE_BAR, CLOSED_BAR, CONNECTING, CONNECTIONS,
                       PUBLISHING)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "performance.md")
PLOTS = os.path.join(ROOT, "docs", "performance")
BEGIN = "<!-- results: written by make bench, begin -->"
END = "<!-- results: written by make bench, end -->"


def machine():
    """What a reader has to know about where the figures come from."""
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        found = re.search(r"^model name\s*:\s*(.+)$", f.read(), re.M)
        if found:
            model = found.group(1).strip()
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release().split("-")[0],
            "load": os.getloadavg()[0]}


class Data:
    """Results by peer, workload and placement."""

    def __init__(self, data):
        self.rounds = data["rounds"]
        self.peers = [(p["name"], p["label"]) for p in data["peers"]]
        self.versions = {p["label"]: p["version"] for p in data["peers"]}
        self.runs = {(r["peer"], r["workload"], r["placement"]): r["runs"]
                     for r in data["results"]}
        self.raw = data

    def values(self, peer, workload, key, placement="cpu"):
        return [run[key] for run in self.runs.get((peer, workload, placement), [])]

    def median(self, *args):
        values = self.values(*args)
        return statistics.median(values) if values else None

    def spread(self, *args):
        """Half of the range, in percent of the median."""
        values = self.values(*args)
        middle = statistics.median(values) if values else 0
        return 50 * (max(values) - min(values)) / middle if middle else 0

    def ratios(self, peer, other, workload, key="cpu_us"):
        """Of the rounds that both have: run next to each other, they had the same
        machine."""
        return [a / b for a, b in zip(self.values(peer, workload, key),
                                      self.values(other, workload, key)) if b > 0]

    def ratio(self, *args):
        values = self.ratios(*args)
        return statistics.median(values) if values else None


# ---- tables --------------------------------------------------------------------

def table(head, rows):
    """Markdown whose columns are also straight on a terminal."""
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]

    def line(cells):
        first = cells[0].ljust(widths[0])
        rest = [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]
        return "| " + " | ".join([first] + rest) + " |"

    rule = "|" + "-" * (widths[0] + 2) + "|" + "|".join(
        "-" * (w + 1) + ":" for w in widths[1:]) + "|"
    return "\n".join([line(head), rule] + [line(r) for r in rows])


def number(value):
    """Three digits that mean something."""
    if value is None:
        return "-"
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.001, 3)):
        if value >= least:
            return f"{value:,.{digits}f}"
    return "0"


def workloads_of(d):
    return [w for w in PUBLISHING + [CONNECTING]
            if any(k[1] == w.name for k in d.runs)]


def cpu_table(d):
    rows = []
    for w in workloads_of(d):
        row = [f"{w.title} (per {w.unit})"]
        for name, _ in d.peers:
            value = d.median(name, w.name, "cpu_us")
            spread = d.spread(name, w.name, "cpu_us")
            row.append(number(value) + (f" ±{spread:.0f}%" if value and d.rounds > 1 else ""))
        rows.append(row)
    return table(["us"] + [label for _, label in d.peers], rows)


def ratio_table(d):
    rows = []
    for w in workloads_of(d):
        row = [w.title]
        for name, _ in d.peers:
            row.append(f"{number(d.ratio(name, 'bun', w.name))} / "
                       f"{number(d.ratio(name, 'floor', w.name))}")
        rows.append(row)
    return table(["to Bun / to the floor"] + [label for _, label in d.peers], rows)


def verdict(value, bar):
    """By what the table shows, not by digits behind it."""
    if value is None:
        return "not measured"
    return "met" if float(number(value).replace(",", "")) <= bar else "missed"


def bar_table(d):
    rows = []
    for w in workloads_of(d):
        ratios = d.ratios("godwit", "bun", w.name)
        value = d.ratio("godwit", "bun", w.name)
        extent = f"{number(min(ratios))} - {number(max(ratios))}" if ratios else "-"
        rows.append([f"CPU, {w.title}, to Bun", number(value), extent, w.bar,
                     verdict(value, w.bar)])
    for peer, workload, title, bar in (
            ("godwit-quiet", "connect", "bytes a connection, presence off", BYTES_BAR),
            ("godwit", "connect-presence", "bytes a connection, presence on",
             BYTES_PRESENCE_BAR)):
        values = d.values(peer, workload, "bytes")
        value = d.median(peer, workload, "bytes")
        extent = f"{number(min(values))} - {number(max(values))}" if values else "-"
        rows.append([title, number(value), extent, f"{bar:,}", verdict(value, bar)])
    closed = [run["memory_closed"] / run["memory_before"]
              for run in d.runs.get(("godwit", "connect", "cpu"), [])]
    if closed:
        value = statistics.median(closed)
        rows.append([f"memory after {CONNECTIONS:,} closed, to before", number(value),
                     f"{number(min(closed))} - {number(max(closed))}", CLOSED_BAR,
                     verdict(value, CLOSED_BAR)])
    return table(["Godwit", "median", "range", "bar", ""], rows)


def rate_table(d):
    rows = []
    for w in workloads_of(d):
        if w.is_saturated:
            rows.append([w.title] + [number(d.median(name, w.name, "deliveries_per_s", "wall"))
                                     for name, _ in d.peers])
    return table(["a second"] + [label for _, label in d.peers], rows)


def latency_table(d):
    rows = []
    for w in workloads_of(d):
        if w is CONNECTING:
            continue
        row = [w.title]
        for name, _ in d.peers:
            p50 = d.median(name, w.name, "p50_us", "wall")
            p99 = d.median(name, w.name, "p99_us", "wall")
            row.append(f"{number(p50)} / {number(p99)}" if p50 else "-")
        rows.append(row)
    return table(["p50 / p99, us"] + [label for _, label in d.peers], rows)


def connection_row(d, name, label, workload):
    runs = d.runs.get((name, workload, "cpu"))
    if not runs:
        return None
    closed = statistics.median(r["memory_closed"] / r["memory_before"] for r in runs)
    growth = statistics.median(r["last_part_cpu_us"] / r["first_part_cpu_us"] for r in runs)
    return [label, f"{runs[0]['connections']:,}", number(d.median(name, workload, "cpu_us")),
            number(growth), number(d.median(name, workload, "bytes")),
            number(d.median(name, workload, "kernel_bytes")),
            number(d.median(name, workload, "idle_cpu_us_per_s")), number(closed)]


def connection_table(d):
    rows = [connection_row(d, name, label, "connect") for name, label in d.peers]
    rows += [connection_row(d, "godwit-quiet", "Godwit, presence off", "connect"),
             connection_row(d, "godwit", "Godwit, all in a presence", "connect-presence")]
    rows += [connection_row(d, name, label + ", as many as fit", "many")
             for name, label in d.peers]
    return table(["", "connections", "CPU us each", "last tenth to first", "bytes",
                  "kernel bytes", "idle CPU us/s", "memory after to before"],
                 [r for r in rows if r])


# ---- pages ---------------------------------------------------------------------

def notes(d):
    m = d.raw["machine"]
    versions = ", ".join(f"{label} {version}".strip() for label, version in d.versions.items())
    lines = [f"{m['cpus']} CPUs ({m['cpu']}), Linux {m['kernel']}; {versions}. "
             f"{'One round' if d.rounds == 1 else f'Median of {d.rounds} rounds'}."]
    if m["load"] > 0.7 * m["cpus"]:
        lines.append(f"**The machine had other work** (load {m['load']:.1f}): absolute figures "
                     "and latencies mean little, ratios a bit more.")
    for name, why in d.raw["missing"].items():
        lines.append(f"Without {name}: {why}.")
    for f in d.raw["failures"]:
        lines.append(f"{f['peer']} failed at {f['workload']}: {f['why']}.")
    return "\n\n".join(lines)


def sections(d):
    kinds = {w.name for w in workloads_of(d)}
    yield "Godwit's bar", bar_table(d)
    yield "CPU time of the server, with half the range of the rounds", cpu_table(d)
    yield "The same, as ratios", ratio_table(d)
    if kinds - {"connect"}:
        yield "Deliveries or round trips, when nothing holds them back", rate_table(d)
        yield "Latency", latency_table(d)
    if "connect" in kinds:
        yield "Connections", connection_table(d)


def text(data):
    d = Data(data)
    return "\n\n".join([notes(d)] + [f"### {title}\n\n{body}" for title, body in sections(d)])


def write_plots(d):
    os.makedirs(PLOTS, exist_ok=True)
    rows = [(w.title, {name: d.ratio(name, "bun", w.name) or 0 for name, _ in d.peers})
            for w in workloads_of(d)]
    if any(v > 0 for _, row in rows for v in row.values()):
        with open(os.path.join(PLOTS, "cpu.svg"), "w", encoding="utf-8") as f:
            f.write(plots.cpu(rows, d.peers))
    rows = []
    for w in workloads_of(d):
        if w.name not in ("paced1000", "rooms", "rtt100"):
            continue
        row = [(name, d.median(name, w.name, "p50_us", "wall"),
                d.median(name, w.name, "p99_us", "wall")) for name, _ in d.peers]
        rows.append((w.title, [r for r in row if r[1]]))
    if any(row for _, row in rows):
        with open(os.path.join(PLOTS, "latency.svg"), "w", encoding="utf-8") as f:
            f.write(plots.latency(rows, d.peers))


def write(data):
    """Puts the tables into the page, between the marks."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    body = text(data)
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
    write_plots(Data(data))
    print(f"written to {os.path.relpath(PAGE, ROOT)}")
