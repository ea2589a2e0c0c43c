# scale_report.py - the tables of scale.py.
# SPDX-License-Identifier: MIT

import os
import statistics

import report
from report import number, table

BEGIN = "<!-- scale: written by make bench-scale, begin -->"
END = "<!-- scale: written by make bench-scale, end -->"
TLS_BYTES_BAR = 20000
STORM_BAR_S = 5.0
# Beyond this, a cost grows.
FLAT = 1.25
MAX_WORKERS = 16


class Results:
    """What was measured, by part and key, in rounds."""

    def __init__(self, data):
        self.raw = data
        self.runs = {}
        for r in data["results"]:
            self.runs.setdefault((r["part"], *r["key"]), []).append(r)

    def values(self, key, field):
        return [run[field] for run in self.runs.get(tuple(key), []) if field in run]

    def median(self, key, field):
        values = self.values(key, field)
        return statistics.median(values) if values else None

    def ratios(self, key, other, field="cpu_us"):
        """Round by round: what was done one after the other had the same machine."""
        return [a / b for a, b in zip(self.values(key, field), self.values(other, field)) if b]

    def numbers(self, part, case):
        """The numbers that a case was measured with."""
        return sorted(k[2] for k in self.runs if k[:2] == (part, case) and len(k) == 3)


def extent(values):
    if not values:
        return "-"
    if len(values) == 1:
        return number(values[0])
    return f"{number(statistics.median(values))} ({number(min(values))} - {number(max(values))})"


def verdict(value, bar):
    return "-" if value is None else "met" if value <= bar else "missed"


# ---- TLS -----------------------------------------------------------------------

TLS_TITLES = [
    ("fan100", "fan-out to 100, 32 in flight (per delivery)"),
    ("fan1000", "fan-out to 1,000, 32 in flight (per delivery)"),
    ("one1000", "to 1,000, one at a time (per delivery)"),
    ("rtt100", "round trips, 100 connections (each)"),
    ("connect", "connect and subscribe (each)"),
]


def tls_cpu(r):
    rows = []
    for name, title in TLS_TITLES:
        plain, tls = ("tls", name, "plain"), ("tls", name, "tls")
        bun, bun_tls = ("tls", name, "bun"), ("tls", name, "bun-tls")
        if plain not in r.runs:
            continue
        rows.append([title, number(r.median(plain, "cpu_us")), number(r.median(tls, "cpu_us")),
                     extent(r.ratios(tls, plain)), extent(r.ratios(bun_tls, bun)),
                     extent(r.ratios(tls, bun_tls))])
    return table(["CPU", "plain, us", "TLS, us", "TLS to plain", "the same of Bun",
                  "Godwit to Bun, both TLS"], rows) if rows else None


def tls_memory(r):
    rows = []
    for name, label in (("plain", "Godwit, plain"), ("tls", "Godwit, TLS"), ("bun", "Bun, plain"),
                        ("bun-tls", "Bun, TLS")):
        key = ("tls", "connect", name)
        if key not in r.runs:
            continue
        value = r.median(key, "bytes")
        rows.append([label, extent(r.values(key, "bytes")),
                     f"{TLS_BYTES_BAR:,}" if name == "tls" else "",
                     verdict(value, TLS_BYTES_BAR) if name == "tls" else ""])
    return table(["resident bytes of an idle subscribed connection", "median (range)", "bar", ""],
                 rows) if rows else None


# ---- workers -------------------------------------------------------------------

WORKER_TITLES = [("fan100", "fan-out to 100, 32 in flight"),
                 ("fan1000", "fan-out to 1,000, 32 in flight"),
                 ("rooms", "100 rooms of 10, 4 in flight each")]


def workers(r):
    rows = []
    for name, title in WORKER_TITLES:
        one, two = ("workers", name, 1), ("workers", name, 2)
        if one not in r.runs:
            continue
        share = [run["busiest_us"] / run["cpu_us"] for run in r.runs[two]]
        capacity = [1 / x for x in r.ratios(two, one, "busiest_us")]
        rows.append([title, number(r.median(one, "cpu_us")), number(r.median(two, "cpu_us")),
                     extent(r.ratios(two, one)), extent(share), extent(capacity)])
    return table(["", "1 worker, us a delivery", "2 workers", "2 to 1", "share of the busier",
                  "deliveries per CPU second of the busiest worker, 2 to 1"],
                 rows) if rows else None


# ---- what does not grow -----------------------------------------------------------

CASES = [
    ("channels", "publish-channels", "publication to a room of ten", "channels"),
    ("channels", "publish-spread", "publications to all channels in turn", "channels"),
    ("operations", "subscribe", "subscribe", "subscribers of the channel"),
    ("operations", "unsubscribe", "unsubscribe", "subscribers of the channel"),
    ("operations", "subscribe-own", "subscribe", "subscriptions of the connection"),
    ("operations", "unsubscribe-own", "unsubscribe", "subscriptions of the connection"),
    ("operations", "connect", "connect, to Welcome", "connections"),
    ("operations", "disconnect", "disconnect", "connections"),
    ("operations", "timer-set", "set a timer", "timers"),
    ("operations", "timer-cancel", "cancel a timer", "timers"),
    ("operations", "timer-fire", "a timer fires, and is set again", "timers"),
]


def operation_rows(r):
    for part, case, title, of in CASES:
        numbers = r.numbers(part, case)
        if not numbers:
            continue
        first = (part, case, numbers[0])
        counted = [r.median((part, case, n, "callgrind"), "instructions") for n in numbers]
        # Few timers to a turn of the wheel make a timer dearer: that is no growth.
        growth = max(counted) / counted[0] if all(counted) else None
        times = r.ratios((part, case, numbers[-1]), first, "cpu_ns")
        yield [title, f"{' / '.join(f'{n:,}' for n in numbers)} {of}",
               " / ".join(number(c) for c in counted), number(growth), extent(times),
               "-" if growth is None else "flat" if growth <= FLAT else "grows"]


def operations(r):
    rows = list(operation_rows(r))
    return table(["operation, in the core", "among", "instructions", "most to first",
                  "CPU time, last to first", ""], rows) if rows else None


def servers(r):
    rows = []
    for part, title in (("channels", "channels that hold a publication"),
                        ("idle", "idle connections")):
        numbers = r.numbers(part, "server")
        for n in numbers:
            key = (part, "server", n)
            rows.append([f"{n:,} {title}", number(r.median(key, "cpu_us_per_publication")),
                         extent(r.ratios(key, (part, "server", numbers[0]),
                                         "cpu_us_per_publication"))])
    return table(["whole server: a publication to a room of ten, one at a time, among",
                  "CPU us", "to the first"], rows) if rows else None


# ---- storm and many ----------------------------------------------------------------

def storm(r):
    rows = []
    for key, title in ((("storm", "plain", 1), "1 worker"), (("storm", "plain", 2), "2 workers"),
                       (("storm", "tls", 2), "2 workers, TLS without tickets")):
        if key not in r.runs:
            continue
        run = r.runs[key][0]
        value = r.median(key, "seconds")
        bar = key[1] == "plain"
        rows.append([title, f"{run['recovered']:,}", extent(r.values(key, "seconds")),
                     extent(r.values(key, "p50_s")), number(r.median(key, "cpu_s")),
                     number(r.median(key, "memory_open") / 1e6),
                     number(r.median(key, "memory_peak") / 1e6),
                     f"{STORM_BAR_S:g} s: {verdict(value, STORM_BAR_S)}" if bar else ""])
    return table(["10,000 clients, 100 missed publications each", "recovered", "all live, s",
                  "half, s", "server CPU, s", "MB before", "MB at most", "bar"],
                 rows) if rows else None


def many(r):
    rows = []
    for n in r.numbers("many", "connect"):
        key = ("many", "connect", n)
        growth = [a / b for a, b in zip(r.values(key, "last_part_cpu_us"),
                                        r.values(key, "first_part_cpu_us"))]
        rows.append([f"{n:,}", extent(r.values(key, "cpu_us")), extent(growth),
                     extent(r.values(key, "bytes"))])
    return table(["connections", "CPU us each", "last tenth to first", "bytes each"],
                 rows) if rows else None


# ---- the model ---------------------------------------------------------------------

class Costs:
    """Microseconds of CPU, from what was measured."""

    def __init__(self, r):
        def core(case, num):
            value = r.median(("model", case, num), "cpu_ns")
            return value / 1000 if value else None

        unheard = [v for n in r.numbers("channels", "server")
                   for v in r.values(("channels", "server", n), "unheard_ns")]
        self.delivery = r.median(("tls", "fan1000", "plain"), "cpu_us") or \
            r.median(("workers", "fan1000", 1), "cpu_us")
        self.stamp_core = core("fan-out", 0)
        # With reading it from the socket and acknowledging it.
        self.stamp = statistics.median(unheard) / 1000 if unheard else self.stamp_core
        self.follow = core("follow", 1)
        mail = [core("mail", 0), core("mail", 15)]
        self.mail = (mail[1] - mail[0]) / 15 if all(mail) else None

    def are_whole(self):
        return None not in (self.delivery, self.stamp, self.follow, self.mail)

    def hot(self, num, subscribers):
        """Deliveries a second of one channel over num workers: its owner is the
        one with most to do."""
        owner = self.stamp + (num - 1) * self.mail + subscribers / num * self.delivery
        return subscribers * 1e6 / owner

    def spread(self, num, subscribers):
        """The same of very many channels, whose owners and subscribers are
        anywhere."""
        followers = (num - 1) * (1 - (1 - 1 / num) ** subscribers)
        each = self.stamp + followers * (self.mail + self.follow) + subscribers * self.delivery
        return num * subscribers * 1e6 / each


def costs(r):
    c = Costs(r)
    if not c.are_whole():
        return None
    return table(["cost, CPU us", ""], [
        ["a publication that nobody hears: read, stamped, kept, acknowledged", number(c.stamp)],
        ["of that, in the core", number(c.stamp_core)],
        ["a mail to a worker that follows the channel, at the owner", number(c.mail)],
        ["a publication at a follower with one subscriber, in the core", number(c.follow)],
        ["a delivery, saturated, with its part of the write", number(c.delivery)],
    ])


def model(r):
    c = Costs(r)
    if not c.are_whole():
        return None
    rows = []
    for num in (1, 2, 4, 8, MAX_WORKERS):
        rows.append([num] + [number(f(num, s) / 1e6) for f, s in
                             ((c.hot, 100), (c.hot, 1000), (c.hot, 10000), (c.spread, 10),
                              (c.spread, 1000))])
    return table(["workers, each with a core", "one channel, 100 subscribers", "1,000", "10,000",
                  "very many channels of 10", "of 1,000"], rows)


# ---- pages -------------------------------------------------------------------------

SECTIONS = [
    ("TLS", [tls_cpu, tls_memory]),
    ("Workers", [workers]),
    ("Costs that do not grow", [operations, servers]),
    ("Reconnect storm", [storm]),
    ("Many connections", [many]),
    ("Model: millions of deliveries a second", [costs, model]),
]


def text(data):
    r = Results(data)
    m = data["machine"]
    lines = [f"{m['cpus']} CPUs ({m['cpu']}), Linux {m['kernel']}, {data['limit']:,} open files a "
             f"process; {data['rounds']} rounds. Median (range of the rounds)."]
    if m["load"] > 0.7 * m["cpus"]:
        lines.append(f"**The machine had other work** (load {m['load']:.1f}): microseconds mean "
                     "little, ratios a bit more, instructions what they say.")
    lines += [f"{f['part']} {' '.join(map(str, f['key']))} failed: {f['why']}."
              for f in data["failures"]]
    for title, tables in SECTIONS:
        bodies = [body for body in (t(r) for t in tables) if body]
        if bodies:
            lines += [f"### {title}"] + bodies
    return "\n\n".join(lines)


def write(data):
    """Puts the tables into the page, between the marks."""
    with open(report.PAGE, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    with open(report.PAGE, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n\n{text(data)}\n\n{END}{after}")
    print(f"written to {os.path.relpath(report.PAGE, report.ROOT)}")
