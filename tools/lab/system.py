# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Running commands, starting processes that cannot outlive the lab, and waiting on conditions."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab itself could not do what it was asked to; never a verdict on the gateway."""


def run(arguments, *, stdin=None, timeout=30, check=True):
    """Runs a command to its end and returns it with its output; raises LabError where it fails."""
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, text=True,
                              timeout=timeout, start_new_session=True)
    except FileNotFoundError as missing:
        raise LabError(f"{missing.filename}: not installed; ./tools/quickstart installs it") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(arguments)}: no end within {timeout} s") from None
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(arguments)}: status {done.returncode}: {said}")
    return done


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(arguments, *, stdout, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=None,
          controlling_terminal=None):
    """Starts a process in a session of its own that the kernel ends when this process is gone.

    `controlling_terminal` is the slave side of a pty that the process gets as its terminal.
    """
    def prepare():
        _die_with_parent()
        if controlling_terminal is not None:
            import fcntl  # only in the child
            import termios
            fcntl.ioctl(controlling_terminal, termios.TIOCSCTTY, 0)

    try:
        return subprocess.Popen(arguments, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd,
                                preexec_fn=prepare, start_new_session=True)
    except FileNotFoundError as missing:
        raise LabError(f"{missing.filename}: not installed; ./tools/quickstart installs it") from None


def stop(process, *, seconds=30):
    """Ends one process that spawn() started: asks, waits, then insists. Returns its status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def wait_for(condition, what, *, seconds=10, pause=0.02):
    """Waits until condition() is true and returns its value; raises LabError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def started_at(pid):
    """When a process was started, in clock ticks since boot; None when there is no such process.

    A pid and this together name a process for ever; a pid alone is used again.
    """
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


@contextlib.contextmanager
def inside_namespace(name):
    """Enters a network namespace: sockets opened here belong to it, also after leaving it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _set_namespace(there, name)
        yield
    finally:
        _set_namespace(home, "home")
        os.close(there)
        os.close(home)


def _set_namespace(descriptor, name):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise LabError(f"cannot enter network namespace {name}: {os.strerror(error)}")
