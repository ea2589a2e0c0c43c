#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""terminal.py - runs a command at a terminal of its own, types a line of the
standard input whenever it asks for one without showing it, and prints what stands
there then."""

import os
import pty
import select
import sys
import termios
import time

WAIT_S = 20


def until_hidden(terminal):
    """What is typed before the terminal was told to show nothing is shown."""
    deadline = time.monotonic() + WAIT_S
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        if time.monotonic() > deadline:
            sys.exit("what is typed would be shown")
        time.sleep(0.01)


def main():
    lines = sys.stdin.buffer.read().splitlines(keepends=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    shown = b""
    asked = 0
    while select.select([terminal], [], [], WAIT_S)[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        while shown.count(b": ") > asked:
            if asked < len(lines):
                until_hidden(terminal)
                os.write(terminal, lines[asked])
            asked += 1
    sys.stdout.buffer.write(shown)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
