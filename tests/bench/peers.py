# peers.py - the servers that are compared: how each is got, started and stopped.
# SPDX-License-Identifier: MIT
#
# What is not on this machine comes by npm and by apt-get download into
# build/bench/, unpacked there: no package is installed, no service started, no
# root needed.

import getpass
import glob
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build")
# What is measured is what `make release` builds.
RELEASE = os.path.join(BUILD, "release", "godwit")
STATE = os.path.join(BUILD, "bench")
NPM = os.path.join(STATE, "npm")
DEB = os.path.join(STATE, "deb")
WORK = os.path.join(STATE, "work")
NPM_PACKAGES = ["bun@1", "ws@8", "socket.io@4"]
# By program: the Debian packages that hold it and what it needs. Where the
# system has a library already, its own is used all the same.
DEB_PACKAGES = {
    "nats-server": ["nats-server"],
    "nginx": ["nginx", "libnginx-mod-nchan", "libpcre2-8-0", "libhiredis0.14"],
    "mosquitto": ["mosquitto", "libcjson1", "libmosquitto1", "libdlt2", "libwrap0"],
}
START_S = 15
STOP_S = 3


class Unavailable(Exception):
    """A peer cannot be had here; the text says why."""


def run_quietly(argv, cwd=None):
    """Runs a tool; its last words become the failure."""
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        words = done.stdout.strip().splitlines() or ["exit %d" % done.returncode]
        raise Unavailable(f"{argv[0]} {argv[1]}: {words[-1]}")


# ---- what comes from elsewhere ------------------------------------------------

def npm_modules(packages=NPM_PACKAGES):
    """The folder with these and with what was asked for before."""
    os.makedirs(NPM, exist_ok=True)
    names = [p.rsplit("@", 1)[0] for p in packages]
    if not all(os.path.isdir(os.path.join(NPM, "node_modules", n)) for n in names):
        print("  npm: " + " ".join(packages), flush=True)
        manifest = os.path.join(NPM, "package.json")
        if not os.path.exists(manifest):
            with open(manifest, "w", encoding="utf-8") as f:
                f.write('{"private":true}\n')
        try:
            run_quietly(["npm", "install", "--no-audit", "--no-fund",
                         "--no-update-notifier", "--loglevel=error"] + packages, NPM)
        except FileNotFoundError:
            raise Unavailable("there is no npm") from None
    return NPM


def deb_program(name):
    """Path of a program, of the system or unpacked, and its environment."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if path and (name != "nginx" or nchan_module("/")):
        return path, {}
    root = os.path.join(DEB, name)
    path = os.path.join(root, "usr/sbin", name)
    if not os.path.exists(path):
        print(f"  apt-get download: {' '.join(DEB_PACKAGES[name])}", flush=True)
        download_debs(name, root)
    if not os.path.exists(path):
        raise Unavailable(f"Debian's package has no {name}")
    env = {"LD_LIBRARY_PATH": ":".join(glob.glob(root + "/usr/lib/*-linux-gnu*")
                                       + glob.glob(root + "/lib/*-linux-gnu*"))}
    return path, env


def download_debs(name, root):
    if not shutil.which("apt-get"):
        raise Unavailable(f"there is neither {name} nor apt-get")
    new = root + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    run_quietly(["apt-get", "download", "-q"] + DEB_PACKAGES[name], new)
    for deb in glob.glob(new + "/*.deb"):
        run_quietly(["dpkg-deb", "-x", deb, new])
        os.remove(deb)
    os.rename(new, root)


def with_nginx_folder(argv):
    """nchan makes nginx insist on a folder below /var/lib, whatever the
    configuration says. Where Debian's package has not made it, nginx is shown a
    /var/lib of its own."""
    if os.path.isdir("/var/lib/nginx"):
        return argv
    own = ["unshare", "--mount"] if os.getuid() == 0 else \
        ["unshare", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs none /var/lib && mkdir /var/lib/nginx && exec "$@"'
    return own + ["sh", "-c", script, "sh"] + argv


def nchan_module(root):
    found = glob.glob(os.path.join(root, "usr/lib/nginx/modules/ngx_nchan_module.so"))
    return found[0] if found else None


def certificate():
    """A certificate and its key, made by the openssl program: ECDSA, P-256."""
    paths = [os.path.join(WORK, name) for name in ("cert.pem", "key.pem")]
    done = subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-keyout", paths[1], "-out", paths[0], "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Unavailable("openssl: " + done.stdout.strip())
    return tuple(paths)


# ---- processes -----------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def file_limit():
    """Raises the limit of open files for us and what we start; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def descendants(pid):
    pids = [pid]
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path, encoding="ascii") as f:
                children = f.read().split()
        except OSError:
            continue
        for child in children:
            pids += descendants(int(child))
    return pids


class Server:
    """A running peer."""

    def __init__(self, peer, cpu):
        self.peer = peer
        self.port = free_port()
        argv, env = peer.command(self.port)
        self.log_path = os.path.join(WORK, peer.name + ".log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(cpu)] + argv, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **env}, cwd=WORK,
                # A Ctrl-C of the terminal is for us; we stop the servers.
                start_new_session=True)
        try:
            self.wait_until_open()
        except BaseException:
            self.stop()
            raise

    def wait_until_open(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                time.sleep(0.1)
                return
            except OSError:
                time.sleep(0.02)
        raise Unavailable(f"{self.peer.name} does not start: {self.last_words()}")

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            lines = f.read().strip().splitlines()
        return lines[-1] if lines else "it says nothing"

    def pids(self):
        return descendants(self.process.pid)

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids() if self.process.poll() is None else []:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(STOP_S)
                return
            except subprocess.TimeoutExpired:
                pass


class Peer:
    """A server that can be started."""

    def __init__(self, name, label, driver, path="/"):
        self.name = name
        self.label = label
        self.driver = driver
        self.path = path
        self.version = ""
        # Certificate and key, to speak TLS.
        self.secure = ()

    def prepare(self):
        """Gets what is missing; Unavailable."""

    def command(self, port):
        """argv and environment."""
        raise NotImplementedError

    def url(self, port):
        return f"{'wss' if self.secure else 'ws'}://127.0.0.1:{port}{self.path}"


def version_of(argv, env=None):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, **(env or {})})
    found = re.search(r"\d+\.\d+(\.\d+)*", done.stdout)
    return found.group(0) if found else ""


class Godwit(Peer):
    def __init__(self, name="godwit", label="Godwit", options=(), binary=RELEASE):
        super().__init__(name, label, "godwit", "/v1/ws")
        self.options = list(options)
        self.binary = binary

    def prepare(self):
        self.version = version_of([self.binary, "version"])

    def command(self, port):
        tls = ["--tls.cert", self.secure[0], "--tls.key", self.secure[1]] \
            if self.secure else []
        return [self.binary, "serve", "--listen.public", f"127.0.0.1:{port}",
                "--listen.internal", "", "--workers", "1", "--history.size", "100",
                "--log.level", "warn"] + tls + self.options, {}


class Floor(Peer):
    def __init__(self):
        super().__init__("floor", "floor", "topic")

    def command(self, port):
        return [os.path.join(BUILD, "godwit-floor"), str(port)], {}


class Bun(Peer):
    def __init__(self, name="bun", label="Bun"):
        super().__init__(name, label, "topic")

    def prepare(self):
        self.binary = os.path.join(npm_modules(), "node_modules/.bin/bun")
        self.version = version_of([self.binary, "--version"])

    def command(self, port):
        return [self.binary, os.path.join(HERE, "peers/bun.mjs"), str(port),
                *self.secure], {}


class Node(Peer):
    """A server in Node, with a package of npm."""

    def __init__(self, name, label, driver, package):
        super().__init__(name, label, driver)
        self.package = package
        self.node = os.environ.get("NODE", "node")

    def prepare(self):
        if not shutil.which(self.node):
            raise Unavailable("there is no node")
        with open(os.path.join(npm_modules(), "node_modules", self.package, "package.json"),
                  encoding="utf-8") as f:
            self.version = re.search(r'"version": *"([^"]+)"', f.read()).group(1)

    def command(self, port):
        return [self.node, os.path.join(HERE, f"peers/{self.name}.mjs"), str(port)], \
            {"GODWIT_BENCH_MODULES": NPM, "NODE_ENV": "production"}


class Configured(Peer):
    """A program of Debian, with a configuration of ours."""

    def __init__(self, name, label, driver, program, version_option):
        super().__init__(name, label, driver)
        self.program = program
        self.version_option = version_option

    def prepare(self):
        self.binary, self.env = deb_program(self.program)
        self.version = version_of([self.binary, self.version_option], self.env)

    def write_config(self, port):
        limit = file_limit()
        user = getpass.getuser()
        words = {"PORT": port, "OTHER_PORT": free_port(), "WORK": WORK, "USER": user,
                 "FILES": limit, "CONNECTIONS": limit - 100,
                 "MODULE": nchan_module("/") or nchan_module(os.path.join(DEB, "nginx")) or ""}
        source = os.path.join(HERE, "peers", self.program.replace("-server", "") + ".conf")
        target = os.path.join(WORK, self.name + ".conf")
        with open(source, encoding="utf-8") as f:
            text = re.sub(r"@([A-Z_]+)@", lambda m: str(words[m.group(1)]), f.read())
        with open(target, "w", encoding="utf-8") as f:
            f.write(text)
        return target

    def command(self, port):
        config = self.write_config(port)
        if self.program == "nginx":
            return with_nginx_folder([self.binary, "-p", WORK, "-c", config]), self.env
        return [self.binary, "-c", config], self.env


def all_peers():
    return [
        Godwit(),
        Bun(),
        Floor(),
        Node("ws", "ws", "topic", "ws"),
        Node("socketio", "socket.io", "socketio", "socket.io"),
        Configured("nats", "NATS", "nats", "nats-server", "--version"),
        Configured("nchan", "nchan", "nchan", "nginx", "-v"),
        Configured("mosquitto", "mosquitto", "mqtt", "mosquitto", "-h"),
    ]
