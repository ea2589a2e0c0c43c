# workloads.py - what every peer is given to do, and what of it is told.
# SPDX-License-Identifier: MIT


class Workload:
    """Work of one kind. args are godwit-load's; duration_s is of a full run."""

    def __init__(self, name, title, unit, args, duration_s=1.0, is_saturated=False, bar=None):
        self.name = name
        self.title = title
        self.unit = unit
        self.args = args
        self.duration_s = duration_s
        # Whether deliveries a second say what the server can do.
        self.is_saturated = is_saturated
        # Godwit's CPU time at most, in parts of Bun's.
        self.bar = bar


PUBLISHING = [
    Workload("fan100", "fan-out to 100, 32 in flight", "delivery",
             ["--connections", "100", "--window", "32"], is_saturated=True, bar=1.0),
    Workload("fan1000", "fan-out to 1,000, 32 in flight", "delivery",
             ["--connections", "1000", "--window", "32"], is_saturated=True, bar=1.0),
    Workload("one1000", "to 1,000, one at a time", "delivery",
             ["--connections", "1000", "--window", "1"], is_saturated=True, bar=1.0),
    Workload("paced1000", "to 1,000, 20 a second", "delivery",
             ["--connections", "1000", "--rate", "20"], duration_s=2.0, bar=1.1),
    Workload("rooms", "100 rooms of 10, 2 a second each", "delivery",
             ["--connections", "1000", "--channels", "100", "--rate", "2"],
             duration_s=2.0, bar=1.1),
    Workload("rtt1", "round trips, 1 connection", "round trip",
             ["--connections", "1", "--window", "1", "--member", "--echo"],
             is_saturated=True, bar=1.0),
    Workload("rtt100", "round trips, 100 connections", "round trip",
             ["--connections", "100", "--channels", "100", "--window", "1", "--member",
              "--echo"], is_saturated=True, bar=1.0),
]

CONNECTIONS = 10000
CONNECTING = Workload("connect", f"connect and subscribe {CONNECTIONS:,}", "connection",
                      ["--connect", "--connections", str(CONNECTIONS), "--channels", "100"],
                      bar=1.5)
# The most that is tried; the limit of open files may say less.
MANY = 50000

# Bytes of an idle subscribed connection, everything included.
BYTES_BAR = 3000
BYTES_PRESENCE_BAR = 3500
# Memory after all connections closed, in parts of what it was before.
CLOSED_BAR = 1.2
