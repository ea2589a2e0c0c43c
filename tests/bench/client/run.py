#!/usr/bin/python3
# run.py - compares Godwit's JavaScript client with others: the same objects for each,
# from one server, in Node and in Chromium.
# SPDX-License-Identifier: MIT
#
#   tests/bench/client/run.py [--quick] [--hosts NAME,...] [--clients NAME,...]
#                             [--parts NAME,...] [--no-write] [--report FILE]
#
# All clients of a row are open at the same time, warmed up, and then take turns of a
# fraction of a second, many times: what changes on the machine meanwhile meets all of
# them. A median of the turns is kept, with the spread, and ratios are those of turns
# next to each other. Raw results go to build/bench/client.json, the tables to
# docs/performance.md.

import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.dirname(HERE))

import hosts as hosts_module
import tables
from hosts import BUNDLES, NODE, Blaster, Chromium, Failed, Reader, Servers, cpu_s
from peers import NPM_PACKAGES, STATE, Unavailable, npm_modules
from report import machine
from tables import BATCHED, CLIENTS, IN_REAL, REAL, ROWS, SINGLE, SIZES, TOGETHER

PACKAGES = NPM_PACKAGES + ["socket.io-client@4", "centrifuge@5"]
# Messages before anything is measured: the hot code is compiled by then.
WARM_UP = {64: 40000, 1024: 30000, 16384: 8000}
# Publications in a WebSocket message where they are batched, or 64 KiB.
BATCH = 32
PARTS = ["start", "rate", "memory"]


class Plan:
    """How much is done."""

    def __init__(self, quick):
        self.turns = 3 if quick else 15
        self.turn_ms = 100 if quick else 200
        self.warm_up = 0.5 if quick else 1
        self.starts = 3 if quick else 11
        self.memory = [20_000, 100_000] if quick else [100_000, 1_000_000]
        self.sampled = 10_000 if quick else 50_000


class Bench:
    """The results so far."""

    def __init__(self, plan, blaster, servers, names, rows):
        self.plan = plan
        self.blaster = blaster
        self.servers = servers
        self.names = names
        self.rows = rows
        self.since = time.monotonic()
        self.results = []
        self.failures = []

    def tell(self, host, what, name, words):
        spent = time.monotonic() - self.since
        print(f"[{spent:5.0f} s] {host.label:9} {what:18} {tables.label(name):18} {words}",
              flush=True)

    def keep(self, host, name, what, words, **result):
        self.results.append({"host": host.name, "client": name, "what": what, **result})
        self.tell(host, what, name, words)

    def fail(self, host, name, what, why):
        self.failures.append({"host": host.name, "client": name, "what": what, "why": why})
        self.tell(host, what, name, f"FAILED: {why}")

    # ---- messages a second ---------------------------------------------------

    def open(self, host, what, size, how):
        """The clients that could be opened and warmed up, with their processes."""
        pids = {}
        for name in self.names if how != REAL else [n for n in self.names if n in IN_REAL]:
            where = {"batch": BATCH if how == TOGETHER and name in BATCHED else 1}
            if how == REAL:
                where["real"] = self.servers.urls
            try:
                pids[name] = host.open(name, size=size, **where)
                host.step(name, "run", messages=int(WARM_UP[size] * self.plan.warm_up))
            except Failed as e:
                self.fail(host, name, what, str(e))
                pids.pop(name, None)
        return pids

    def take_turn(self, host, name, pids):
        before, blaster = cpu_s(pids), self.blaster.cpu_s()
        run = host.step(name, "run", ms=self.plan.turn_ms)
        spent, sent = cpu_s(pids) - before, self.blaster.cpu_s() - blaster
        return {"rate": 1000 * run["messages"] / run["ms"],
                "cpu_us": 1e6 * spent / run["messages"],
                "busy": 1000 * spent / run["ms"],
                "blaster_us": 1e6 * sent / run["messages"]}

    def rate(self, host, size, how):
        what = tables.row_name(size, how)
        pids = self.open(host, what, size, how)
        turns = {name: [] for name in pids}
        for _ in range(self.plan.turns):
            for name in list(pids):
                try:
                    turns[name].append(self.take_turn(host, name, pids[name]))
                except Failed as e:
                    self.fail(host, name, what, str(e))
                    del pids[name]
        for name in pids:
            middle = {key: tables.median([t[key] for t in turns[name]])
                      for key in turns[name][0]}
            self.keep(host, name, what,
                      f"{middle['rate']:9.0f} a second   {middle['cpu_us']:7.2f} us, "
                      f"{100 * middle['busy']:.0f} % busy", turns=turns[name])
        if size == SIZES[0] and how != REAL:
            self.garbage(host, how, [n for n in pids if n in BATCHED or how == SINGLE])
        for name in turns:
            host.close(name)

    def garbage(self, host, how, names):
        what = f"garbage, {how}" if how else "garbage"
        for name in names:
            try:
                host.step(name, "sample")
                run = host.step(name, "run", messages=self.plan.sampled)
                sampled = host.step(name, "sampled")["bytes"] / run["messages"]
            except Failed as e:
                self.fail(host, name, what, str(e))
                continue
            self.keep(host, name, what, f"{sampled:9.0f} bytes a message", bytes=sampled)

    # ---- others --------------------------------------------------------------

    def start(self, host):
        times = {name: [] for name in self.names}
        for _ in range(self.plan.starts):
            for name in self.names:
                try:
                    times[name].append(host.start(name))
                except Failed as e:
                    self.fail(host, name, "start", str(e))
        for name in self.names:
            if times[name]:
                first = tables.median([t["first"] for t in times[name]])
                self.keep(host, name, "start", f"{first:9.1f} ms to the first message",
                          times=times[name])

    def memory(self, host):
        for name in self.names:
            try:
                host.open(name, size=64, batch=BATCH if name in BATCHED else 1)
                seen, sizes = 0, []
                for messages in self.plan.memory:
                    host.step(name, "run", messages=messages - seen)
                    seen = messages
                    sizes.append(host.step(name, "memory"))
                growth = sizes[1]["heap"] - sizes[0]["heap"]
                self.keep(host, name, "memory",
                          f"{sizes[1]['heap'] / 1e6:9.2f} MB, {growth / 1e3:+.0f} kB since",
                          messages=self.plan.memory, sizes=sizes)
                host.close(name)
            except Failed as e:
                self.fail(host, name, "memory", str(e))

    def reader(self):
        """Messages a second that a reader takes which looks at none."""
        rates = {}
        for size in SIZES:
            reader = Reader(self.blaster, "bare", size)
            rates[size] = reader.run(1000 if size < 10000 else 100)
            reader.close()
        return rates

    def measure(self, host, parts):
        if "start" in parts:
            self.start(host)
        if "rate" in parts:
            for size, how in self.rows:
                self.rate(host, size, how)
        if "memory" in parts:
            self.memory(host)


def prepare():
    """Gets the peers; returns versions and the bytes that a page loads."""
    modules = npm_modules(PACKAGES)
    os.makedirs(BUNDLES, exist_ok=True)
    done = subprocess.run([NODE, os.path.join(HERE, "bundles.mjs"), modules, BUNDLES],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Unavailable("bundles.mjs: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    versions = {}
    for package in ("ws", "socket.io-client", "centrifuge"):
        with open(os.path.join(modules, "node_modules", package, "package.json"),
                  encoding="utf-8") as f:
            versions[package] = json.load(f)["version"]
    return versions, json.loads(done.stdout)


def chosen(text, things):
    if not text:
        return things
    names = text.split(",")
    unknown = set(names) - set(things)
    if unknown:
        sys.exit(f"bench-client: there is no {', '.join(sorted(unknown))}")
    return [t for t in things if t in names]


def run(options):
    rows = {tables.row_name(*row).replace(" ", "").replace(",", "-"): row for row in ROWS}
    makers = {"node": hosts_module.Node, "chromium": Chromium}
    names = chosen(options.clients, list(CLIENTS))
    wanted = [rows[r] for r in chosen(options.rows, list(rows))]
    wanted_hosts = chosen(options.hosts, list(makers))
    parts = chosen(options.parts, PARTS)
    versions, bytes_loaded = prepare()
    blaster = Blaster()
    servers = Servers() if any(how == REAL for _, how in wanted) else None
    bench = Bench(Plan(options.quick), blaster, servers, names, wanted)
    try:
        reader = bench.reader()
        for name in wanted_hosts:
            host = makers[name](blaster)
            versions[host.label] = host.version
            try:
                bench.measure(host, parts)
            finally:
                host.stop()
    finally:
        blaster.stop()
        if servers:
            servers.stop()
    return {"quick": options.quick, "machine": machine(), "versions": versions,
            "bytes_loaded": bytes_loaded, "reader": reader, "batch": BATCH,
            "turns": bench.plan.turns, "results": bench.results,
            "failures": bench.failures}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance, printed only")
    parser.add_argument("--hosts", help="only these: node, chromium")
    parser.add_argument("--clients", help="only these, comma-separated")
    parser.add_argument("--rows", help="only these: 64B, 64B-batched, 1kB, ...")
    parser.add_argument("--parts", help="only these: " + ", ".join(PARTS))
    parser.add_argument("--no-write", action="store_true",
                        help="leave docs/performance.md as it is")
    parser.add_argument("--report", metavar="FILE", help="tables of an earlier run's results")
    options = parser.parse_args()
    if options.report:
        with open(options.report, encoding="utf-8") as f:
            tables.write(json.load(f))
        return 0
    if os.cpu_count() < 2:
        sys.exit("bench-client: two CPUs are needed")
    try:
        data = run(options)
    except Unavailable as e:
        sys.exit(f"bench-client: {e}")
    except KeyboardInterrupt:
        print("\nbench-client: stopped; nothing is left running", file=sys.stderr)
        return 130
    with open(os.path.join(STATE, "client.json"), "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    print()
    print(tables.text(data))
    # A part of the whole, or a glance, must not replace the real figures.
    if not (options.no_write or options.quick or options.hosts or options.clients
            or options.parts or options.rows):
        tables.write(data)
    return 1 if data["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
