# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Lends the user's terminal to a process that was started on a pty of its own."""

import fcntl
import os
import select
import sys
import termios
import tty

_CTRL_C = b"\x03"


class Pty:
    """A pty: the gateway's console gets `slave`; pump() joins the user to it when the time has come."""

    def __init__(self):
        self._master, self.slave = os.openpty()
        self._copy_size()

    def close(self):
        for descriptor in (self._master, self.slave):
            if descriptor is not None:
                os.close(descriptor)
        self._master = self.slave = None

    def hand_over(self):
        """Closes this process's own hold on the slave side, once the child has its own."""
        os.close(self.slave)
        self.slave = None

    def _copy_size(self):
        if sys.stdin.isatty():
            size = fcntl.ioctl(sys.stdin, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def pump(self):
        """Copies both ways until the process closes its side, the input ends, or Ctrl-C."""
        before = termios.tcgetattr(sys.stdin)
        self._copy_size()
        try:
            tty.setraw(sys.stdin)
            self._copy()
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def _copy(self):
        user = sys.stdin.fileno()
        while True:
            ready, _, _ = select.select([self._master, user], [], [])
            if self._master in ready:
                try:
                    data = os.read(self._master, 4096)
                except OSError:  # EIO: nobody holds the slave side any more
                    return
                if not data:
                    return
                os.write(sys.stdout.fileno(), data)
            if user in ready:
                data = os.read(user, 4096)
                if not data or _CTRL_C in data:
                    return
                os.write(self._master, data)
