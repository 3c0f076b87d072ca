#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Many short connections a second and some long ones, and whose address the server saw of each.

    connection_stream.py server ADDRESS PORT
    connection_stream.py client ADDRESS PORT RATE KEPT

The server tells every connection the address it sees it come from, and again whenever asked. The
client prints one line a connection that has got its answer: when it began to connect, when it was
told, and what; times are CLOCK_MONOTONIC's, which all processes share. The first of every second is kept open
and asked again and again, KEPT at most. SIGTERM ends the stream: what is under way is finished, then
the client says of each kept connection what it was told first and last, and how often.
"""

import selectors
import signal
import socket
import sys
import time

PATIENCE = 5  # seconds for an answer


def serve(address, port):
    """Answers for ever."""
    chosen = selectors.DefaultSelector()
    listener = socket.create_server((address, port), backlog=4096)
    listener.setblocking(False)
    chosen.register(listener, selectors.EVENT_READ)
    print("listening", flush=True)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is listener:
                _welcome(listener, chosen)
                continue
            asked = _received(key.fileobj)
            if asked:
                key.fileobj.send(key.data * len(asked))
            else:
                chosen.unregister(key.fileobj)
                key.fileobj.close()


def _welcome(listener, chosen):
    while True:
        try:
            connection, peer = listener.accept()
        except BlockingIOError:
            return
        told = f"{peer[0]}\n".encode()
        connection.setblocking(False)
        connection.send(told)
        chosen.register(connection, selectors.EVENT_READ, told)


def _received(connection):
    try:
        return connection.recv(4096)
    except OSError:
        return b""


class Flow:
    """One connection of the client."""

    def __init__(self, target, kept):
        self.began = time.monotonic()
        self.kept = kept
        self.told = []
        self.text = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(target)

    def read(self):
        """Takes what came; False when the connection is over."""
        data = _received(self.socket)
        self.text += data
        *lines, self.text = self.text.split(b"\n")
        self.told += [line.decode() for line in lines]
        return bool(data)


class Client:
    """The stream of connections to one server."""

    def __init__(self, target, rate, most_kept):
        self._target, self._rate, self._most_kept = target, rate, most_kept
        self._chosen = selectors.DefaultSelector()
        self._open = {}
        self._kept = []
        self._ending = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_ending", True))

    def run(self):
        begin = time.monotonic()
        opened = 0
        asked = begin
        while not self._ending:
            due = int((time.monotonic() - begin) * self._rate)
            # A machine that was elsewhere for a moment is not made up for all at once.
            for _ in range(min(due - opened, 50)):
                self._begin_flow(opened % self._rate == 0 and len(self._kept) < self._most_kept)
                opened += 1
            opened = max(opened, due - 50)
            if time.monotonic() - asked > 0.1:
                asked = time.monotonic()
                self._ask()
            self._take(0.5 / self._rate)
        self._finish()

    def _begin_flow(self, kept):
        flow = Flow(self._target, kept)
        self._open[flow.socket.fileno()] = flow
        self._chosen.register(flow.socket, selectors.EVENT_READ, flow)
        if kept:
            self._kept.append(flow)

    def _ask(self):
        for flow in self._kept:
            if flow.told:
                try:
                    flow.socket.send(b"?")
                except OSError:
                    pass  # _finish() says how far it came

    def _take(self, wait):
        for key, _ in self._chosen.select(wait):
            flow = key.data
            alive = flow.read()
            if flow.told and not flow.kept:
                print(f"{flow.began:.6f} {time.monotonic():.6f} {flow.told[0]}", flush=True)
                alive = False
            if not alive:
                self._chosen.unregister(flow.socket)
                del self._open[flow.socket.fileno()]
                flow.socket.close()

    def _finish(self):
        end = time.monotonic() + PATIENCE
        while any(not flow.told for flow in self._open.values()) and time.monotonic() < end:
            self._take(0.01)
        before = {id(flow): len(flow.told) for flow in self._kept}
        while time.monotonic() < end:
            answered = [len(flow.told) > before[id(flow)] for flow in self._kept]
            if all(answered):
                break
            self._ask()
            self._take(0.05)
        for flow in self._open.values():
            if not flow.told:
                print(f"{flow.began:.6f} {time.monotonic():.6f} silent")
        for flow in self._kept:
            answered = len(flow.told) > before[id(flow)]
            print(f"kept {' '.join(sorted(set(flow.told)))} {len(flow.told)}"
                  f"{'' if answered else ' silent'}")


def main():
    role, address, port, *rest = sys.argv[1:]
    if role == "server":
        serve(address, int(port))
    else:
        Client((address, int(port)), *map(int, rest)).run()


if __name__ == "__main__":
    main()
