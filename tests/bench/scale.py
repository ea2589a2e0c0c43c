#!/usr/bin/python3
# scale.py - what TLS, workers, and large numbers cost Godwit.
# SPDX-License-Identifier: MIT
#
#   tests/bench/scale.py [--quick] [--parts NAME,...] [--no-write] [--report FILE]
#
# Parts: tls workers channels operations model idle storm many. Everything is told as a
# ratio within a round, with the range of the rounds, since the machine may have
# other work; where one operation is measured without a network, also as
# instructions, which do not depend on it. Raw results go to
# build/bench/scale.json, the tables to docs/performance.md.

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request

import peers as peers_module
import report
import scale_report
from peers import BUILD, STATE, WORK, Server, Unavailable, certificate, free_port
from run import LOAD, SERVER_CPU, Failed, load, on_sigterm

SCALE = os.path.join(BUILD, "godwit-scale")
KEPT = os.path.join(STATE, "scale.json")
BOTH_CPUS = "0,1"
# So that two workers and the generator on two CPUs leave most of them to the
# workers; it waits for them in any case.
NICE = ("nice", "-n", "5")
CALLGRIND_S = 1800

TLS_WORK = [
    ("fan100", "fan-out to 100, 32 in flight", "delivery",
     ["--connections", "100", "--window", "32"]),
    ("fan1000", "fan-out to 1,000, 32 in flight", "delivery",
     ["--connections", "1000", "--window", "32"]),
    ("one1000", "to 1,000, one at a time", "delivery",
     ["--connections", "1000", "--window", "1"]),
    ("rtt100", "round trips, 100 connections", "round trip",
     ["--connections", "100", "--channels", "100", "--window", "1", "--member", "--echo"]),
]
TLS_CONNECT = ("connect", "connect and subscribe", "connection",
               ["--connect", "--connections", "5000", "--channels", "100", "--hold", "1s"])
WORKER_WORK = [
    ("fan100", "fan-out to 100, 32 in flight", ["--connections", "100", "--window", "32"]),
    ("fan1000", "fan-out to 1,000, 32 in flight",
     ["--connections", "1000", "--window", "32"]),
    ("rooms", "100 rooms of 10, 4 in flight each",
     ["--connections", "1000", "--channels", "100", "--window", "4"]),
]
ROOM = ["--connections", "10", "--window", "1"]
CHANNELS = [1, 1000, 10000, 100000, 1000000]
SPREAD = [1000, 10000, 100000, 1000000]
# (case, numbers, operations)
OPERATIONS = [
    ("subscribe", [1000, 100000], 2000),
    ("unsubscribe", [1000, 100000], 2000),
    ("subscribe-own", [1000, 100000], 2000),
    ("unsubscribe-own", [1000, 100000], 2000),
    ("connect", [1000, 50000, 100000], 2000),
    ("disconnect", [1000, 50000, 100000], 2000),
    ("timer-set", [1000, 100000], 10000),
    ("timer-cancel", [1000, 100000], 10000),
    ("timer-fire", [1000, 100000], 20000),
]
MODEL = [("fan-out", 0), ("fan-out", 1000), ("mail", 0), ("mail", 15), ("follow", 1),
         ("follow", 1000)]
STORM = ["--connections", "10000", "--channels", "100", "--window", "32", "--storm", "100"]


def godwit(name, *options, secure=()):
    peer = peers_module.Godwit(name, "Godwit", ["--limits.max_channels", "0", *options])
    peer.secure = secure
    return peer


class Scale:
    """The results: each a dict with what was measured, in the order of doing."""

    def __init__(self, options):
        self.quick = options.quick
        self.rounds = 1 if options.quick else options.rounds
        self.results = []
        self.failures = []
        self.since = time.monotonic()

    def keep(self, part, key, result):
        self.results.append({"part": part, "key": key, **result})
        spent = time.monotonic() - self.since
        words = "  ".join(f"{k} {v:,.3f}" if isinstance(v, float) else f"{k} {v:,}"
                          for k, v in result.items()
                          if k in ("cpu_us", "busiest_us", "deliveries_per_s", "bytes",
                                   "seconds", "instructions", "cpu_ns", "cpu_s"))
        print(f"{spent:6.0f} s  {part:10} {' '.join(map(str, key)):40} {words}", flush=True)

    def attempt(self, part, key, function):
        try:
            self.keep(part, key, function())
        except (Failed, Unavailable) as e:
            self.failures.append({"part": part, "key": key, "why": str(e)})
            print(f"FAILED: {part} {' '.join(map(str, key))}: {e}", flush=True)


def with_server(peer, cpu, function):
    server = Server(peer, cpu)
    try:
        return function(server)
    finally:
        server.stop()


# ---- parts ---------------------------------------------------------------------

def measure_tls(s):
    secure = certificate()
    bun, bun_tls = peers_module.Bun(), peers_module.Bun("bun-tls", "Bun, TLS")
    bun_tls.secure = secure
    peers = [godwit("plain"), godwit("tls", secure=secure)]
    try:
        for peer in (bun, bun_tls):
            peer.prepare()
            peers.append(peer)
    except (Unavailable, OSError) as e:
        print(f"without Bun: {e}")
    for _ in range(s.rounds):
        for name, _, _, args in TLS_WORK + [TLS_CONNECT]:
            if name != "connect":
                args = args + ["--duration", "500ms" if s.quick else "1s"]
            for peer in peers:
                s.attempt("tls", [name, peer.name], lambda: with_server(
                    peer, SERVER_CPU, lambda server: load(server, args, SERVER_CPU)))


def measure_workers(s):
    for _ in range(s.rounds):
        for name, _, args in WORKER_WORK:
            args = args + ["--duration", "500ms" if s.quick else "2s"]
            for num in (1, 2):
                peer = godwit(f"workers{num}", "--workers", str(num))
                s.attempt("workers", [name, num], lambda: with_server(
                    peer, BOTH_CPUS, lambda server: load(server, args, BOTH_CPUS, NICE)))


def run_case(case, num, ops):
    done = subprocess.run([SCALE, case, str(num), str(ops)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=CALLGRIND_S)
    if done.returncode != 0:
        raise Failed(done.stderr.strip())
    result = json.loads(done.stdout)
    return {"cpu_ns": result["cpu_ns"] / result["ops"]}


def count_case(case, num, ops):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=scale_measured",
         "--callgrind-out-file=/dev/null", SCALE, case, str(num), str(ops)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=CALLGRIND_S)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stdout)
    if done.returncode != 0 or not found or found.group(1) == "0":
        raise Failed(done.stdout.strip().splitlines()[-1])
    return {"instructions": int(found.group(1)) / ops}


def measure_cases(s, part, case, numbers, ops):
    for _ in range(s.rounds):
        for num in numbers:
            s.attempt(part, [case, num], lambda: run_case(case, num, ops))
    for num in numbers:
        s.attempt(part, [case, num, "callgrind"],
                  lambda: count_case(case, num, min(ops, 2000)))


def measure_channels(s):
    numbers = CHANNELS[:-1] if s.quick else CHANNELS
    measure_cases(s, "channels", "publish-channels", numbers, 4000)
    measure_cases(s, "channels", "publish-spread", SPREAD[:-1] if s.quick else SPREAD, 4000)
    # The server itself: a room of ten beside channels that hold a publication each.
    for _ in range(s.rounds):
        for num in numbers:
            s.attempt("channels", ["server", num],
                      lambda: with_server(godwit("channels"), SERVER_CPU,
                                          lambda server: among_channels(server, num)))


def cpu_ns_of(pid):
    """CPU time of a process that no thread has left."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def fill(server, num):
    before = cpu_ns_of(server.process.pid)
    done = subprocess.run(["taskset", "-c", "1", LOAD, "--fill", str(num), "--url",
                           server.peer.url(server.port)], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr.strip())
    return (cpu_ns_of(server.process.pid) - before) / num


def among_channels(server, num):
    result = {}
    if num > 1:
        result["made_ns"] = fill(server, num - 1)
        # The channels are there now: what one publication costs that nobody hears.
        result["unheard_ns"] = fill(server, num - 1)
    result.update(load(server, ROOM + ["--duration", "1s"], SERVER_CPU))
    return result


def measure_operations(s):
    for case, numbers, ops in OPERATIONS:
        measure_cases(s, "operations", case, numbers, ops)


def measure_model(s):
    for case, num in MODEL:
        measure_cases(s, "model", case, [num], 2000)


def num_connections(internal):
    with urllib.request.urlopen(f"http://127.0.0.1:{internal}/metrics", timeout=10) as f:
        text = f.read().decode()
    return int(re.search(r"^godwit_connections (\d+)$", text, re.M).group(1))


def among_idle(server, internal, num):
    """Publishing while others do nothing; they are held by another process."""
    holder = None
    try:
        if num > 0:
            holder = subprocess.Popen(
                ["taskset", "-c", "1", LOAD, "--url", server.peer.url(server.port), "--connect",
                 "--connections", str(num), "--channels", "100", "--hold", "10m"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            deadline = time.monotonic() + 90
            while num_connections(internal) < num:
                if holder.poll() is not None or time.monotonic() > deadline:
                    raise Failed("the idle connections do not come about")
                time.sleep(0.2)
        return load(server, ROOM + ["--duration", "1s"], SERVER_CPU)
    finally:
        if holder:
            holder.kill()
            holder.wait()


def most_connections():
    return peers_module.file_limit() - 700


def measure_idle(s):
    for _ in range(s.rounds):
        for num in (0, 10000, min(50000, most_connections())):
            internal = free_port()
            peer = godwit("idle", "--listen.internal", f"127.0.0.1:{internal}")
            s.attempt("idle", ["server", num], lambda: with_server(
                peer, SERVER_CPU, lambda server: among_idle(server, internal, num)))


def measure_storm(s):
    secure = certificate()
    for _ in range(s.rounds):
        for num in (1, 2):
            peer = godwit(f"storm{num}", "--workers", str(num))
            s.attempt("storm", ["plain", num], lambda: with_server(
                peer, BOTH_CPUS, lambda server: load(server, STORM, BOTH_CPUS)))
        peer = godwit("storm-tls", "--workers", "2", secure=secure)
        s.attempt("storm", ["tls", 2], lambda: with_server(
            peer, BOTH_CPUS, lambda server: load(server, STORM, BOTH_CPUS)))


def measure_many(s):
    num = min(50000, most_connections())
    args = ["--connect", "--connections", str(num), "--channels", "500", "--hold", "2s"]
    for _ in range(s.rounds):
        s.attempt("many", ["connect", num], lambda: with_server(
            godwit("many"), SERVER_CPU, lambda server: load(server, args, SERVER_CPU)))


PARTS = {"tls": measure_tls, "workers": measure_workers, "channels": measure_channels,
         "operations": measure_operations, "model": measure_model, "idle": measure_idle, "storm": measure_storm,
         "many": measure_many}


def merge(s, names):
    """What was measured now, and of earlier runs what was not."""
    data = {"results": [], "failures": []}
    if set(names) != set(PARTS) and os.path.exists(KEPT):
        with open(KEPT, encoding="utf-8") as f:
            data = json.load(f)
    for kind, new in (("results", s.results), ("failures", s.failures)):
        data[kind] = [r for r in data[kind] if r["part"] not in names] + new
    data.update(machine=report.machine(), rounds=s.rounds,
                limit=resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return data


# ---- main ----------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, smaller numbers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", help="only these, comma-separated; the others stay")
    parser.add_argument("--no-write", action="store_true",
                        help="leave docs/performance.md as it is")
    parser.add_argument("--report", metavar="FILE", help="tables of an earlier run's results")
    options = parser.parse_args()
    if options.report:
        with open(options.report, encoding="utf-8") as f:
            scale_report.write(json.load(f))
        return 0
    signal.signal(signal.SIGTERM, on_sigterm)
    names = options.parts.split(",") if options.parts else list(PARTS)
    if set(names) - set(PARTS):
        sys.exit(f"bench-scale: the parts are {' '.join(PARTS)}")
    os.makedirs(WORK, exist_ok=True)
    peers_module.file_limit()
    s = Scale(options)
    try:
        for name in names:
            PARTS[name](s)
    except KeyboardInterrupt:
        print("\nbench-scale: stopped; nothing is left running", file=sys.stderr)
        return 130
    data = merge(s, names)
    with open(KEPT, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    print()
    print(scale_report.text(data))
    if not (options.no_write or options.quick):
        scale_report.write(data)
    return 1 if s.failures else 0


if __name__ == "__main__":
    sys.exit(main())
