#!/usr/bin/python3
# run.py - compares Godwit with other servers: the same work for each, in one run.
# SPDX-License-Identifier: MIT
#
#   tests/bench/run.py [--quick] [--peers NAME,...] [--workloads NAME,...]
#                      [--no-write] [--report FILE]
#
# Rounds are interleaved: each workload goes to every peer before the next begins,
# and all is repeated. CPU figures come from server and generator on one CPU, as
# placement alone changes them; rates and latencies from one CPU each. A median
# of the rounds is kept, with the spread. Raw results go to
# build/bench/results.json, the tables to docs/performance.md.

import argparse
import json
import os
import signal
import subprocess
import sys
import time

import peers as peers_module
import report
from peers import BUILD, STATE, WORK, Server, Unavailable
from workloads import CONNECTING, CONNECTIONS, MANY, PUBLISHING

LOAD = os.path.join(BUILD, "godwit-load")
SERVER_CPU = 0
OTHER_CPU = 1
# A generator that needs longer than this has hung.
TIMEOUT_S = 90
# In a quick run only these are measured for latency and connections.
QUICK_PEERS = ("godwit", "bun", "floor")


class Failed(Exception):
    """A run that is worth nothing; the text says why."""


def load(server, args, cpu, prefix=()):
    """One run of the generator; its results. prefix: a command that runs it."""
    peer = server.peer
    argv = [*prefix, "taskset", "-c", str(cpu), LOAD, "--driver", peer.driver,
            "--url", peer.url(server.port), "--pid", ",".join(map(str, server.pids()))]
    # The certificate is one that the run made itself.
    argv += ["--insecure"] if peer.secure else []
    process = subprocess.Popen(argv + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace", start_new_session=True)
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"no result after {TIMEOUT_S} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        words = err.strip().splitlines() or [f"exit {process.returncode}"]
        raise Failed(words[-1].replace("godwit-load: ", ""))
    return json.loads(out)


class Bench:
    """The results so far, and the plan."""

    def __init__(self, options):
        self.quick = options.quick
        self.rounds = 1 if options.quick else options.rounds
        self.results = {}  # (peer, workload, placement) -> list of dicts
        self.failures = {}
        self.done = 0
        self.planned = 0
        self.since = time.monotonic()

    def keep(self, peer, workload, placement, result):
        self.results.setdefault((peer.name, workload, placement), []).append(result)

    def tell(self, peer, what, words):
        self.done += 1
        spent = time.monotonic() - self.since
        print(f"[{self.done:3}/{self.planned}] {spent:4.0f} s  {what:34} {peer.label:10} {words}",
              flush=True)

    def fail(self, peer, workload, why):
        self.failures[(peer.name, workload.name)] = why
        self.tell(peer, workload.title, f"FAILED: {why}")

    def publish(self, peer, workload):
        ms = int((0.5 if self.quick else workload.duration_s) * 1000)
        args = workload.args + ["--duration", f"{ms}ms", "--warm-up",
                                "200ms" if self.quick else "300ms"]
        words = []
        server = None
        try:
            server = Server(peer, SERVER_CPU)
            cpu = load(server, args, SERVER_CPU)
            self.keep(peer, workload.name, "cpu", cpu)
            words.append(f"{cpu['cpu_us']:8.2f} us a {workload.unit}")
            if not self.quick or peer.name in QUICK_PEERS:
                wall = load(server, args, OTHER_CPU)
                self.keep(peer, workload.name, "wall", wall)
                words.append(f"{wall['deliveries_per_s']:9.0f} a second, "
                             f"p99 {wall['p99_us']:7.0f} us")
            self.tell(peer, workload.title, "   ".join(words))
        except (Failed, Unavailable) as e:
            self.fail(peer, workload, str(e))
        finally:
            if server:
                server.stop()

    def connect(self, peer, args, name="connect"):
        server = None
        hold = "1s" if self.quick else "2s"
        try:
            server = Server(peer, SERVER_CPU)
            result = load(server, args + ["--hold", hold], SERVER_CPU)
            self.keep(peer, name, "cpu", result)
            self.tell(peer, f"connect {result['connections']:,}",
                      f"{result['cpu_us']:8.2f} us a connection   "
                      f"{result['bytes']:6.0f} bytes")
        except (Failed, Unavailable) as e:
            self.fail(peer, CONNECTING, str(e))
        finally:
            if server:
                server.stop()


def prepare(all_peers):
    """The peers that can be had."""
    os.makedirs(WORK, exist_ok=True)
    ready, missing = [], {}
    print("peers:")
    for peer in all_peers:
        try:
            peer.prepare()
            ready.append(peer)
            print(f"  {peer.label} {peer.version}")
        except (Unavailable, OSError) as e:
            missing[peer.name] = str(e)
            print(f"  {peer.label} cannot be had: {e}")
    return ready, missing


def wanted(text, things):
    if not text:
        return things
    names = text.split(",")
    unknown = set(names) - {t.name for t in things}
    if unknown:
        sys.exit(f"bench: there is no {', '.join(sorted(unknown))}")
    return [t for t in things if t.name in names]


def measure(bench, ready, workloads):
    godwit_variants = [p for p in ready if p.name == "godwit"]
    quiet = peers_module.Godwit("godwit-quiet", "Godwit, presence off",
                                ["--presence.enabled", "false"])
    connecting = [p for p in ready if not bench.quick or p.name in QUICK_PEERS]
    publishing = [w for w in workloads if w in PUBLISHING]
    connects = CONNECTING in workloads
    many = min(MANY, peers_module.file_limit() - 500)
    bench.planned = bench.rounds * (
        len(publishing) * len(ready)
        + (len(connecting) + 2 * len(godwit_variants) if connects else 0))
    if connects:
        bench.planned += len([p for p in ready if p.name in QUICK_PEERS])
    for _ in range(bench.rounds):
        for workload in publishing:
            for peer in ready:
                bench.publish(peer, workload)
        if not connects:
            continue
        for peer in connecting:
            bench.connect(peer, CONNECTING.args)
        for peer in godwit_variants:
            bench.connect(quiet, CONNECTING.args, "connect")
            bench.connect(peer, CONNECTING.args + ["--presence"], "connect-presence")
    if connects and many > CONNECTIONS:
        for peer in [p for p in ready if p.name in QUICK_PEERS]:
            bench.connect(peer, ["--connect", "--connections", str(many), "--channels", "500"],
                          "many")


def save(bench, ready, missing, options):
    """Everything that a report needs."""
    data = {
        "quick": options.quick,
        "rounds": bench.rounds,
        "machine": report.machine(),
        "peers": [{"name": p.name, "label": p.label, "version": p.version} for p in ready],
        "missing": missing,
        "failures": [{"peer": p, "workload": w, "why": why}
                     for (p, w), why in bench.failures.items()],
        "results": [{"peer": p, "workload": w, "placement": where, "runs": runs}
                    for (p, w, where), runs in bench.results.items()],
    }
    with open(os.path.join(STATE, "results.json"), "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    return data


def on_sigterm(_number, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", help="only these, comma-separated")
    parser.add_argument("--workloads", help="only these, comma-separated")
    parser.add_argument("--no-write", action="store_true",
                        help="leave docs/performance.md as it is")
    parser.add_argument("--report", metavar="FILE", help="tables of an earlier run's results")
    options = parser.parse_args()
    if options.report:
        with open(options.report, encoding="utf-8") as f:
            data = json.load(f)
        report.write(data)
        return 0
    signal.signal(signal.SIGTERM, on_sigterm)
    limit = peers_module.file_limit()
    if limit < CONNECTIONS + 500:
        sys.exit(f"bench: {CONNECTIONS + 500} open files are needed, the limit is {limit}")
    if os.cpu_count() < 2:
        sys.exit("bench: two CPUs are needed")
    bench = Bench(options)
    chosen = wanted(options.workloads, PUBLISHING + [CONNECTING])
    ready, missing = prepare(wanted(options.peers, peers_module.all_peers()))
    try:
        measure(bench, ready, chosen)
    except KeyboardInterrupt:
        print("\nbench: stopped; nothing is left running", file=sys.stderr)
        return 130
    data = save(bench, ready, missing, options)
    print()
    print(report.text(data))
    # A part of the whole, or a glance, must not replace the real figures.
    if not (options.no_write or options.quick or options.peers or options.workloads):
        report.write(data)
    return 1 if any(p == "godwit" for p, _ in bench.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
