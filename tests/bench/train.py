#!/usr/bin/python3
# train.py - gives a server that counts its branches something to do.
# SPDX-License-Identifier: MIT
#
#   tests/bench/train.py SERVER
#
# SERVER is a godwit that was compiled with -fprofile-generate. It is put under
# the loads of `make bench`, by one worker and by two, and of members of a presence
# and longer payloads, with TLS as well; each time it stops it adds what it counted
# to files beside its objects. `make release` compiles with these.

import argparse
import os
import signal
import sys

import peers as peers_module
from peers import WORK, Godwit, Server, Unavailable, certificate
from run import OTHER_CPU, SERVER_CPU, Failed, load, on_sigterm
from workloads import PUBLISHING

CONNECTIONS = "2000"
DURATION = ["--duration", "400ms", "--warm-up", "100ms"]
PRESENCE = ["--connections", "200", "--presence", "--rate", "20"]
DOCUMENTS = ["--connections", "100", "--window", "4", "--size", "4096"]


def trainee(binary, name, *options, secure=()):
    peer = Godwit("train", name, options, binary)
    peer.secure = secure
    return peer


def work(peer):
    """What one server is given to do: a title and the arguments of the load
    generator for each."""
    connect = [("many connections", ["--connect", "--connections", CONNECTIONS,
                                     "--channels", "100", "--hold", "200ms"])]
    talk = [(w.title, w.args + DURATION) for w in PUBLISHING]
    other = [("members of a presence", PRESENCE + DURATION),
             ("documents", DOCUMENTS + DURATION)]
    return connect + other if peer.secure else connect + talk + other


def train(peer):
    server = Server(peer, SERVER_CPU)
    try:
        for title, args in work(peer):
            result = load(server, args, OTHER_CPU)
            print(f"  {peer.label + ': ' + title:55} {result['cpu_us']:9.2f} us each",
                  flush=True)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description="put load on a counting server")
    parser.add_argument("server")
    binary = os.path.abspath(parser.parse_args().server)
    signal.signal(signal.SIGTERM, on_sigterm)
    peers_module.file_limit()
    os.makedirs(WORK, exist_ok=True)
    try:
        train(trainee(binary, "one worker"))
        train(trainee(binary, "two workers", "--workers", "2"))
        train(trainee(binary, "TLS", secure=certificate()))
    except (Failed, Unavailable) as e:
        sys.exit(f"train: {e}")
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
