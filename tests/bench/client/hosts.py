# hosts.py - the processes of a comparison of clients: the blaster that all receive
# from, the hosts that clients run in, and a bare reader to show that the blaster is
# not what holds them back.
# SPDX-License-Identifier: MIT

import json
import os
import select
import signal
import socket
import subprocess
import time

from peers import BUILD, NPM, ROOT, Unavailable, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
BUNDLES = os.path.join(BUILD, "bench", "client")
BLASTER = os.path.join(BUILD, "godwit-blaster")
SERVER = os.path.join(BUILD, "godwit")
NODE = os.environ.get("NODE", "node")
# The client runs on one CPU; the blaster, and what else a browser is, on another.
OTHER_CPU = "0"
CLIENT_CPU = "1"
# A step that takes longer has hung: the longest are a million messages.
STEP_S = 600
STOP_S = 20
# burst.h
BURST = 1000


class Failed(Exception):
    """A step that is worth nothing; the text says why."""


def cpu_s(pids):
    """CPU time of processes so far, of all their threads; ended ones have none."""
    total = 0.0
    for pid in pids:
        try:
            # What clock_getcpuclockid(3) makes of a process.
            total += time.clock_gettime((~pid) << 3 | 2)
        except OSError:
            pass
    return total


def stop(process):
    """Ends a process and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_S)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            pass


class Blaster:
    """The server that sends bursts in every protocol."""

    def __init__(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["taskset", "-c", OTHER_CPU, BLASTER, str(self.port)], start_new_session=True)
        self.base = f"ws://127.0.0.1:{self.port}"
        if not await_port(self.port):
            self.stop()
            raise Unavailable("godwit-blaster does not start")

    def cpu_s(self):
        return cpu_s([self.process.pid])

    def stop(self):
        stop(self.process)


def await_port(port):
    """Whether somebody listens there, after a while."""
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.01)
    return False


class Servers:
    """A Godwit server as it is without a configuration, but for pages of any origin;
    and the relay that publishes to it and is a server on npm's ws besides."""

    def __init__(self):
        ports = [free_port(), free_port()]
        godwit = f"ws://127.0.0.1:{ports[0]}/v1/ws"
        commands = [
            [SERVER, "serve", "--listen.public", f"127.0.0.1:{ports[0]}",
             "--listen.internal", "", "--log.level", "error", "--origins", "*"],
            [NODE, os.path.join(HERE, "relay.mjs"), str(ports[1]), godwit]]
        self.processes = [
            subprocess.Popen(["taskset", "-c", OTHER_CPU] + argv, stdin=subprocess.PIPE,
                             env={**os.environ, "GODWIT_BENCH_MODULES": NPM},
                             start_new_session=True)
            for argv in commands]
        self.urls = {"godwit": godwit, "relay": f"ws://127.0.0.1:{ports[1]}"}
        if not all(await_port(p) for p in ports):
            self.stop()
            raise Unavailable("godwit serve or relay.mjs does not start")

    def stop(self):
        for process in self.processes:
            stop(process)


class Host:
    """A process that is taken through steps: steps.mjs. A page is a client in it."""

    def __init__(self, cpu, argv):
        self.process = subprocess.Popen(
            ["taskset", "-c", cpu, NODE] + argv, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "GODWIT_BENCH_MODULES": NPM},
            start_new_session=True)
        self.left = b""

    def step(self, step, **how):
        line = json.dumps({"step": step, **how}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the host has ended") from None
        result = json.loads(self.read_line(time.monotonic() + STEP_S))
        if "error" in result:
            raise Failed(result["error"].splitlines()[0])
        return result

    def read_line(self, deadline):
        out = self.process.stdout
        while b"\n" not in self.left:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([out], [], [], left_s)[0]:
                raise Failed(f"no result after {STEP_S} s")
            more = os.read(out.fileno(), 65536)
            if not more:
                raise Failed("the host has ended")
            self.left += more
        line, self.left = self.left.split(b"\n", 1)
        return line

    def stop(self):
        """Its input ends, and so does it."""
        self.process.stdin.close()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            stop(self.process)
        self.process.stdout.close()


class Chromium:
    """A browser, each client in a tab of its own."""

    name = "chromium"
    label = "Chromium"

    def __init__(self, blaster):
        self.host = Host(OTHER_CPU, [os.path.join(HERE, "chromium.mjs"), blaster.base,
                                     BUNDLES, CLIENT_CPU, OTHER_CPU])
        self.version = self.host.step("version")["version"]

    def open(self, name, **how):
        return self.host.step("open", name=name, **how)["pids"]

    def step(self, name, step, **how):
        return self.host.step(step, name=name, **how)

    def close(self, name):
        self.host.step("close", name=name)

    def start(self, name):
        return self.host.step("start", name=name)

    def stop(self):
        self.host.stop()


class Node:
    """Node, a process for each client."""

    name = "node"
    label = "Node"

    def __init__(self, blaster):
        self.base = blaster.base
        self.hosts = {}
        self.version = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE,
                                      text=True).stdout.strip().lstrip("v")

    def make(self, name):
        return Host(CLIENT_CPU,
                    ["--expose-gc", os.path.join(HERE, "node.mjs"), name, self.base])

    def open(self, name, **how):
        self.hosts[name] = self.make(name)
        return self.hosts[name].step("open", **how)["pids"]

    def step(self, name, step, **how):
        return self.hosts[name].step(step, **how)

    def close(self, name):
        self.hosts.pop(name).stop()

    def start(self, name):
        host = self.make(name)
        try:
            return host.step("start")
        finally:
            host.stop()

    def stop(self):
        for name in list(self.hosts):
            self.close(name)


# ---- what the blaster can do -----------------------------------------------------

class Reader:
    """Reads bursts and looks at nothing: no client can be faster."""

    def __init__(self, blaster, wire, size):
        self.control = self.open(blaster, "/control")
        self.data = self.open(blaster, f"/{wire}/{size}/1/0")
        self.ask(1)
        self.burst_bytes = 0
        self.data.settimeout(0.5)
        try:
            while True:
                self.burst_bytes += len(self.data.recv(1 << 20))
        except socket.timeout:
            self.data.settimeout(STOP_S)

    @staticmethod
    def open(blaster, path):
        s = socket.create_connection(("127.0.0.1", blaster.port), STOP_S)
        s.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += s.recv(1)
        return s

    def ask(self, bursts):
        text = str(bursts).encode()
        # A frame with a mask of zeros.
        self.control.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)

    def run(self, bursts):
        """Messages a second."""
        left = bursts * self.burst_bytes
        space = bytearray(1 << 20)
        start = time.monotonic()
        self.ask(bursts)
        while left > 0:
            left -= self.data.recv_into(space)
        return bursts * BURST / (time.monotonic() - start)

    def close(self):
        self.control.close()
        self.data.close()
