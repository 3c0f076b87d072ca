# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What a lab owns (namespaces, processes, a folder), and its removal.

Everything a lab makes carries a name that says which process made it: pid and start time. So a lab
can find what a killed run left behind, and never takes away what a living one still uses.
"""

import itertools
import os
import pathlib
import re
import shutil
import signal
import tempfile

from . import system

_PREFIX = "sluice-lab"
_NAME = re.compile(rf"^{_PREFIX}-(?P<pid>\d+)-(?P<start>\d+)-")
_serial = itertools.count(1)


class World:
    """A set of namespaces, processes and files that goes away as a whole. Use it with `with`."""

    def __init__(self):
        pid = os.getpid()
        self.name = f"{_PREFIX}-{pid}-{system.started_at(pid)}-{next(_serial)}"
        self.folder = pathlib.Path(tempfile.gettempdir(), self.name)
        self._processes = []
        self._namespaces = []

    def __enter__(self):
        self.folder.mkdir(mode=0o755)
        return self

    def __exit__(self, *_):
        self.close()

    def add_namespace(self, host):
        """Makes the namespace of a host and returns its full name."""
        name = f"{self.name}-{host}"
        self._namespaces.append(name)
        system.run(["ip", "netns", "add", name])
        return name

    def spawn(self, arguments, **how):
        """system.spawn(), remembered for close()."""
        process = system.spawn(arguments, **how)
        self._processes.append(process)
        return process

    def close(self):
        """Ends the processes, then takes namespaces and files away. May be called twice."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self._processes):
            system.stop(process)
        self._processes.clear()
        for name in reversed(self._namespaces):
            _remove_namespace(name)
        self._namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def sweep():
    """Removes what labs left behind whose process is gone. Returns how many namespaces."""
    swept = 0
    for name in _listed("/run/netns"):
        if _is_orphan(name):
            _remove_namespace(name)
            swept += 1
    for name in _listed(tempfile.gettempdir()):
        if _is_orphan(name + "-"):
            shutil.rmtree(pathlib.Path(tempfile.gettempdir(), name), ignore_errors=True)
    return swept


def _listed(folder):
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _is_orphan(name):
    owner = _NAME.match(name)
    return owner is not None and system.started_at(owner["pid"]) != int(owner["start"])


def _remove_namespace(name):
    """Ends what still runs inside, by pid, and removes the namespace."""
    inside = system.run(["ip", "netns", "pids", name], check=False).stdout.split()
    for pid in map(int, inside):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    system.run(["ip", "netns", "del", name], check=False)
