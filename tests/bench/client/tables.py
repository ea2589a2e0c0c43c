# tables.py - what came of a comparison of clients, for the terminal and for
# docs/performance.md.
# SPDX-License-Identifier: MIT

import os
import statistics

import plots
from report import PAGE, PLOTS, ROOT, number, table

BEGIN = "<!-- clients: written by make bench-client, begin -->"
END = "<!-- clients: written by make bench-client, end -->"

CLIENTS = {
    "bare": "bare WebSocket", "binary": "bare, binary", "socketio": "socket.io",
    "centrifuge": "centrifuge", "centrifuge-protobuf": "centrifuge pb",
    "godwit": "Godwit", "godwit-lite": "Godwit lite", "godwit-plain": "Godwit plain",
}
# Those whose protocol can put several publications into a WebSocket message.
GODWITS = ["godwit", "godwit-lite", "godwit-plain"]
BATCHED = ["centrifuge", "centrifuge-protobuf"] + GODWITS
SDKS = ["socketio", "centrifuge", "centrifuge-protobuf"]
SIZES = [64, 1024, 16384]
# How publications come to a client: each by itself, several in a WebSocket message, or
# from real servers as it happens.
SINGLE, TOGETHER, REAL = "", "batched", "real servers"
ROWS = [(size, how) for how in (SINGLE, TOGETHER) for size in SIZES] + [(64, REAL)]
# Socket.IO and Centrifugo have servers that are not a part of this comparison.
IN_REAL = ["bare"] + GODWITS
HOSTS = {"node": "Node", "chromium": "Chromium"}
# Bytes that a page with Godwit loads: what a WebSocket and channels need, and all.
BYTES_BARS = {"godwit-lite": 25000, "godwit": 30000}
median = statistics.median


def label(name):
    return CLIENTS[name]


def row_name(size, how):
    title = f"{size} B" if size < 1024 else f"{size // 1024} kB"
    return title + (f", {how}" if how else "")


class Data:
    """Results by host, client and what was measured."""

    def __init__(self, data):
        self.raw = data
        self.by = {(r["host"], r["client"], r["what"]): r for r in data["results"]}
        self.hosts = [h for h in HOSTS if any(k[0] == h for k in self.by)]
        self.clients = [c for c in CLIENTS if any(k[1] == c for k in self.by)]
        whats = {k[2] for k in self.by}
        self.rows = [row_name(*row) for row in ROWS if row_name(*row) in whats]

    def turns(self, host, client, row, key):
        return [t[key] for t in self.by.get((host, client, row), {}).get("turns", [])]

    def ratios(self, host, client, row, other, key="rate"):
        """To another client's turns: those next to each other had the same machine."""
        pairs = zip(self.turns(host, client, row, key), self.turns(host, other, row, key))
        return [a / b for a, b in pairs if b > 0]


def spread(values):
    """Half of the middle half of the values, in percent of the median."""
    if len(values) < 4:
        return ""
    low, middle, high = statistics.quantiles(values, n=4)
    return f" ±{50 * (high - low) / middle:.0f}%"


# ---- tables ----------------------------------------------------------------------

def turn_table(d, host, key, unit):
    rows = []
    for row in d.rows:
        cells = []
        for client in d.clients:
            values = d.turns(host, client, row, key)
            cells.append(number(median(values)) + spread(values) if values else "-")
        rows.append([row] + cells)
    return table([unit] + [label(c) for c in d.clients], rows)


def ratio_table(d, host):
    rows = []
    for row in d.rows:
        cells = []
        for client in d.clients:
            values = d.ratios(host, client, row, "bare")
            cells.append(number(median(values)) if values else "-")
        rows.append([row] + cells)
    return table(["to the bare WebSocket"] + [label(c) for c in d.clients], rows)


def start_table(d, host):
    rows = []
    for client in d.clients:
        times = d.by.get((host, client, "start"), {}).get("times", [])
        cells = [number(median([t[key] for t in times])) if times else "-"
                 for key in ("loaded", "compiled", "connected", "first")]
        loaded = d.raw["bytes_loaded"].get(client)
        rows.append([label(client), f"{loaded:,}" if loaded else "-"] + cells)
    return table([HOSTS[host], "bytes, gzip -9", "loaded, ms", "compiled", "connected",
                  "first message"], rows)


def kb(value):
    return f"{value / 1000:,.0f}"


def memory_table(d, host):
    rows = []
    for client in d.clients:
        result = d.by.get((host, client, "memory"))
        garbage = [d.by.get((host, client, what), {}).get("bytes")
                   for what in ("garbage", "garbage, batched")]
        cells = ["-"] * 5
        if result:
            first, last = result["sizes"]
            cells = [kb(last["heap"]), f"{(last['heap'] - first['heap']) / 1000:+,.0f}",
                     kb(last["buffers"]),
                     f"{(last['buffers'] - first['buffers']) / 1000:+,.0f}",
                     kb(last["wasm"]) if last["wasm"] else "-"]
        rows.append([label(client)] + cells + [number(g) for g in garbage])
    return table([HOSTS[host], "heap, kB", "growth", "buffers, kB", "growth", "wasm, kB",
                  "garbage, bytes a message", "batched"], rows)


def is_met(value, bar):
    """By what the table shows, not by digits behind it."""
    return value is not None and float(number(value).replace(",", "")) >= bar


def bar_row(d, host, client, row):
    rates = d.ratios(host, client, row, "bare")
    cpu = d.ratios(host, client, row, "bare", "cpu_us")
    others = [median(v) for v in (d.ratios(host, client, row, sdk) for sdk in SDKS) if v]
    if not rates or not (others or row.endswith(REAL)):
        return None
    met = is_met(median(rates), 1) and all(is_met(o, 1.005) for o in others)
    return [f"{HOSTS[host]}, {label(client)}, {row}", number(median(rates)) + spread(rates),
            number(median(cpu)), number(min(others)) if others else "-",
            "met" if met else "missed"]


def bar_table(d):
    rows = [bar_row(d, host, client, row) for host in d.hosts
            for client in GODWITS for row in d.rows]
    return table(["Godwit", "rate to bare, at least 1", "CPU to bare",
                  "rate to the better SDK, above 1", ""], [r for r in rows if r])


def other_bars(d):
    rows = []
    for client, bar in BYTES_BARS.items():
        loaded = d.raw["bytes_loaded"][client]
        rows.append([f"{label(client)}: bytes that a page loads, gzip -9", f"{loaded:,}",
                     f"{bar:,}", "met" if loaded <= bar else "missed"])
    for host in d.hosts:
        result = d.by.get((host, "godwit", "memory"))
        if result:
            first, last = (s["wasm"] for s in result["sizes"])
            rows.append([f"{HOSTS[host]}: growth of the wasm memory, bytes",
                         f"{last - first:,}", "0", "met" if last <= first else "missed"])
    return table(["Godwit", "", "bar", ""], rows)


# ---- page ------------------------------------------------------------------------

def notes(d):
    m = d.raw["machine"]
    v = d.raw["versions"]
    versions = ", ".join(f"{name} {version}" for name, version in v.items())
    lines = [f"{m['cpus']} CPUs ({m['cpu']}), Linux {m['kernel']}; {versions}. Median of "
             f"{d.raw['turns']} turns, with half the range of the middle half. Batched: "
             f"{d.raw['batch']} publications in a WebSocket message, or 64 KiB, where the "
             "protocol knows of it; bare and Socket.IO beside it as they are."]
    if m["load"] > 0.7 * m["cpus"]:
        lines.append(f"**The machine had other work** (load {m['load']:.1f}): absolute figures "
                     "mean little, ratios a bit more.")
    rates = ", ".join(f"{row_name(int(size), SINGLE)}: {number(rate)}"
                      for size, rate in d.raw["reader"].items())
    shares = [t["blaster_us"] / t["cpu_us"] for r in d.raw["results"]
              for t in r.get("turns", []) if t["cpu_us"] > 0 and not r["what"].endswith(REAL)]
    if shares:
        lines.append(f"A reader that looks at nothing takes this many messages a second from "
                     f"the same server: {rates}. Beside the clients, the server needed "
                     f"{100 * median(shares):.0f} % of their CPU time in the median.")
    for f in d.raw["failures"]:
        lines.append(f"{label(f['client'])} failed in {HOSTS[f['host']]} at {f['what']}: "
                     f"{f['why']}.")
    return "\n\n".join(lines)


def sections(d):
    whats = {k[2] for k in d.by}
    if whats & set(d.rows):
        yield "Clients: Godwit's bar", bar_table(d)
    yield "Clients: size and growth", other_bars(d)
    for host in d.hosts:
        if whats & set(d.rows):
            yield (f"{HOSTS[host]}: messages a second, received and handed to a handler",
                   turn_table(d, host, "rate", "a second"))
            yield f"{HOSTS[host]}: the same, as ratios", ratio_table(d, host)
            yield (f"{HOSTS[host]}: CPU time of the client's process",
                   turn_table(d, host, "cpu_us", "us a message"))
        if "start" in whats:
            yield f"{HOSTS[host]}: from nothing to the first message", start_table(d, host)
        if "memory" in whats or "garbage" in whats:
            yield f"{HOSTS[host]}: memory", memory_table(d, host)


def text(data):
    d = Data(data)
    return "\n\n".join([notes(d)] + [f"### {title}\n\n{body}" for title, body in sections(d)])


def write_plot(d):
    os.makedirs(PLOTS, exist_ok=True)
    rows = []
    for host in d.hosts:
        for row in d.rows:
            values = {c: d.ratios(host, c, row, "bare") for c in d.clients}
            rows.append((f"{HOSTS[host]}, {row}",
                         {c: median(v) for c, v in values.items() if v}))
    if any(row for _, row in rows):
        with open(os.path.join(PLOTS, "clients.svg"), "w", encoding="utf-8") as f:
            f.write(plots.clients(rows, [(c, label(c)) for c in d.clients]))


def write(data):
    """Puts the tables into the page, between the marks."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n\n{text(data)}\n\n{END}{after}")
    write_plot(Data(data))
    print(f"written to {os.path.relpath(PAGE, ROOT)}")
