#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""`sluice explain` and `sluice replay` as a program: captures in, captures out, exit statuses.

    cli_test.py SLUICE

Captures are written here byte by byte and read back so; tshark, where installed, judges checksums.
"""

import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

SLUICE = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/sluice").resolve()
POD, REMOTE, SNAT = "10.10.20.33", "8.8.8.8", "10.10.10.20"
CONFIG = """
pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24}
  - {name: eni1, device: net_null1, address: 10.10.20.20/24, prefixes: [10.10.20.32/28]}
pod_ports: [{name: pod0, device: net_null2, pods: [10.10.20.33]}]
snat: {vpc_cni: {}, port_selection: preserve}
flows: {capacity: 4096}
"""


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ipv4(source, destination, protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return b"\x02\xaa\0\0\0\1" + b"\x02\xbb\0\0\0\2" + b"\x08\0" + header + payload


def _pseudo(source, destination, protocol, segment):
    return (socket.inet_aton(source) + socket.inet_aton(destination)
            + struct.pack("!BBH", 0, protocol, len(segment)) + segment)


def udp(source, sport, destination, dport, payload=b"question"):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    total = checksum(_pseudo(source, destination, 17, segment)) or 0xffff
    return ipv4(source, destination, 17, segment[:6] + struct.pack("!H", total) + payload)


def tcp(source, sport, destination, dport, flags, sequence=1, acknowledged=0, payload=b""):
    segment = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledged, 0x50, flags, 64000, 0,
                          0) + payload
    total = checksum(_pseudo(source, destination, 6, segment))
    return ipv4(source, destination, 6, segment[:16] + struct.pack("!H", total) + segment[18:])


def echo(source, destination, kind, identifier):
    message = struct.pack("!BBHHH", kind, 0, 0, identifier, 1) + b"abcdefgh"
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return ipv4(source, destination, 1, message)


def pcap(frames, link=1):
    """A classic capture with microseconds; `frames` are (seconds, bytes)."""
    yield struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for when, frame in frames:
        yield struct.pack("<IIII", int(when), round(when % 1 * 1e6), len(frame), len(frame)) + frame


def pcapng(frames):
    """A section, an interface with nanoseconds, and a block a packet."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        length = len(body) + 12
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    yield block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    yield block(1, struct.pack("<HHI", 1, 0, 65535) + struct.pack("<HHB3xHH", 9, 1, 9, 0, 0))
    for when, frame in frames:
        stamp = round(when * 1e9)
        yield block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xffffffff, len(frame),
                                   len(frame)) + frame)


def read_pcap(path):
    """The packets of a capture that sluice wrote: (nanoseconds, bytes)."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    scale = {0xa1b23c4d: 1, 0xa1b2c3d4: 1000}[magic]
    packets, offset = [], 24
    while offset < len(data):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", data, offset)
        packets.append((seconds * 10**9 + fraction * scale, data[offset + 16:offset + 16 + length]))
        offset += 16 + length
    return packets


class Cli(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "gw.yaml").write_text(CONFIG)

    def sluice(self, command, *arguments, status=0, stdin=None):
        done = subprocess.run([SLUICE, command, "--config", "gw.yaml", *arguments], text=True,
                              capture_output=True, cwd=self.folder, input=stdin, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def capture(self, name, chunks):
        with open(self.folder / name, "wb") as file:
            file.writelines(chunks)
        return name

    def replay(self, *inputs, status=0):
        """The verdicts; what left lies in out/."""
        words = [word for given in inputs for word in ("--in", given)]
        done = self.sluice("replay", *words, "--out-dir", "out", "--json", status=status)
        self.said = done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def left(self, device):
        return read_pcap(self.folder / "out" / f"{device}.pcap")


class Explain(Cli):
    def test_a_line_it_cannot_read_gives_status_2_and_the_others_run(self):
        lines = f"udp {POD}:1 > {REMOTE}:53\nnonsense\n\n# a comment\nreply\n"
        done = self.sluice("explain", "--json", stdin=lines, status=2)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([one["verdict"] for one in said], ["snat", None, "unsnat"])
        self.assertIn("error", said[1])

    def test_flows_as_arguments(self):
        done = self.sluice("explain", f"udp {POD}:1 > {REMOTE}:53", "reply")
        self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_a_line_is_answered_before_the_next_is_asked(self):
        process = subprocess.Popen([SLUICE, "explain", "--config", "gw.yaml"], text=True,
                                   cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        with process:
            for _ in range(2):
                process.stdin.write(f"udp {POD}:1 > {REMOTE}:53\n")
                process.stdin.flush()
                self.assertIn("snat", process.stdout.readline())
            process.stdin.close()
        self.assertEqual(process.returncode, 0)

    def test_what_cannot_be_written_was_not_done(self):
        for arguments in (["explain", f"udp {POD}:1 > {REMOTE}:53"], ["check", "--json"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([SLUICE, arguments[0], "--config", "gw.yaml", *arguments[1:]],
                                      cwd=self.folder, stdout=full, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"No space left", done.stderr)

    def test_a_bad_configuration_gives_status_2(self):
        (self.folder / "gw.yaml").write_text("surprise: 1\n")
        self.assertIn("gw.yaml:1:1: surprise", self.sluice("explain", "reply", status=2).stderr)


class Replay(Cli):
    def test_a_conversation_of_two_captures_in_the_order_of_their_stamps(self):
        """One file a device, one of each kind; neither alone makes sense."""
        pod = [(100.0, udp(POD, 4000, REMOTE, 53)), (100.2, echo(POD, REMOTE, 8, 7007)),
               (100.4, tcp(POD, 5000, REMOTE, 80, 2, 10)),
               (100.6, tcp(POD, 5000, REMOTE, 80, 16, 11, 21, b"GET"))]
        world = [(100.1, udp(REMOTE, 53, SNAT, 4000, b"answer")), (100.3, echo(REMOTE, SNAT, 0, 7007)),
                 (100.5, tcp(REMOTE, 80, SNAT, 5000, 18, 20, 11))]
        for first, second in ((pcap, pcapng), (pcapng, pcap)):
            with self.subTest(first.__name__):
                said = self.replay(f"pod0={self.capture('pod', first(pod))}",
                                   f"eni0={self.capture('world', second(world))}")
                self.assertEqual([one["verdict"] for one in said],
                                 ["snat", "unsnat", "snat", "unsnat", "snat", "unsnat", "snat"])
                # Stamps are kept to the nanosecond of what was written.
                self.assertEqual([stamp for stamp, _ in self.left("eni0")],
                                 [round(when * 1e9) for when, _ in pod])
                self.assertEqual([stamp for stamp, _ in self.left("pod0")],
                                 [round(when * 1e9) for when, _ in world])
                self.assertEqual(self.left("eni1"), [])
                self.check_by_tshark()

    def check_by_tshark(self):
        if not shutil.which("tshark"):
            return
        for device in ("eni0", "pod0"):
            wanted = len(self.left(device))
            done = subprocess.run(
                ["tshark", "-r", f"out/{device}.pcap", "-T", "fields",
                 *(word for name in ("ip", "tcp", "udp")
                   for word in ("-o", f"{name}.check_checksum:TRUE")),
                 "-e", "ip.checksum.status", "-e", "tcp.checksum.status",
                 "-e", "udp.checksum.status", "-e", "icmp.checksum.status"],
                cwd=self.folder, capture_output=True, text=True, timeout=60)
            lines = done.stdout.splitlines()
            self.assertEqual(len(lines), wanted, done.stderr)
            for line in lines:
                # Good is 1; of the transports only the packet's own says anything.
                self.assertEqual(set(line.split()), {"1"}, line)
                self.assertEqual(len(line.split()), 2, line)

    def test_time_passes_as_the_stamps_say(self):
        frames = [(0.5, udp(POD, 4000, REMOTE, 53)), (1000.0, udp(POD, 4001, REMOTE, 53))]
        late = [(400.0, udp(REMOTE, 53, SNAT, 4000))]
        said = self.replay(f"pod0={self.capture('a', pcap(frames))}",
                           f"eni0={self.capture('b', pcap(late))}")
        self.assertEqual([one["reason"] for one in said], [None, "no_session", None])

    def test_a_capture_may_begin_at_nought(self):
        frames = [(0, udp(POD, 4000, REMOTE, 53)), (1000.0, udp(POD, 4001, REMOTE, 53))]
        late = [(400.0, udp(REMOTE, 53, SNAT, 4000))]
        said = self.replay(f"pod0={self.capture('a', pcap(frames))}",
                           f"eni0={self.capture('b', pcap(late))}")
        self.assertEqual([one["reason"] for one in said], [None, "no_session", None])

    def test_a_capture_that_breaks_off(self):
        whole = b"".join(pcap([(1, udp(POD, 4000, REMOTE, 53)), (2, udp(POD, 4001, REMOTE, 53))]))
        self.capture("cut", [whole[:-5]])
        said = self.replay("pod0=cut", status=1)
        self.assertEqual([one["verdict"] for one in said], ["snat"], "what came before is told")
        self.assertEqual(len(self.left("eni0")), 1)
        self.assertIn("cut", self.said)

    def test_an_input_is_never_written_over(self):
        (self.folder / "out").mkdir()
        name = self.capture("out/eni0.pcap", pcap([(1, udp(POD, 4000, REMOTE, 53))]))
        before = (self.folder / name).read_bytes()
        self.replay(f"pod0={name}", status=1)
        self.assertIn("out/eni0.pcap", self.said)
        self.assertEqual((self.folder / name).read_bytes(), before)

    def test_fragments_wait_for_each_other(self):
        whole = udp(POD, 4000, REMOTE, 53, b"q" * 2000)
        header, payload = whole[:34], whole[34:]

        def piece(offset, data, more):
            ip = header[14:16] + struct.pack("!HHH", 20 + len(data), 1, offset // 8 | more << 13)
            ip += header[22:24] + b"\0\0" + header[26:34]
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
            return header[:14] + ip + data

        pieces = [piece(1480, payload[1480:], 0), piece(0, payload[:1480], 1)]
        said = self.replay(f"pod0={self.capture('cut', pcap((1 + i, p) for i, p in enumerate(pieces)))}")
        self.assertEqual([one["verdict"] for one in said], [None, "snat"])
        self.assertIs(said[0]["held"], True)
        self.assertEqual([len(frame) for _, frame in self.left("eni0")], [1514, 562])
        self.assertEqual([stamp for stamp, _ in self.left("eni0")], [2 * 10**9] * 2)
        self.assertNotIn("fragment", self.said)

        # One is pushed out by time, one still waits when the capture ends.
        name = self.capture("part", pcap([(1, pieces[0]), (40, piece(0, payload[:1480], 1))]))
        self.assertEqual([one["held"] for one in self.replay(f"pod0={name}")], [True, True])
        self.assertIn("2 held fragments never became whole datagrams: fragment_incomplete", self.said)

        # One that overlaps takes what was held with it.
        name = self.capture("spoiled", pcap([(1, pieces[0]), (2, piece(1472, payload[1472:1488], 1))]))
        self.assertEqual([one.get("reason") for one in self.replay(f"pod0={name}")], [None, "bad_fragment"])
        self.assertIn("1 held fragments never became whole datagrams", self.said)

    def test_a_sum_that_a_nic_should_have_completed(self):
        frame = udp(POD, 4000, REMOTE, 53)
        partial = checksum(_pseudo(POD, REMOTE, 17, frame[34:])[:12]) ^ 0xffff
        self.replay(f"pod0={self.capture('veth', pcap([(1, frame[:40] + struct.pack('!H', partial) + frame[42:])]))}")
        self.check_by_tshark()
        self.assertEqual(len(self.left("eni0")), 1)

    def test_captures_that_cannot_be_read_are_named(self):
        self.capture("empty", [])
        self.capture("text", [b"this is not a capture, however one looks at it"])
        self.capture("loopback", pcap([], link=101))
        self.capture("header", [b"".join(pcap([]))[:10]])
        (self.folder / "folder").mkdir()
        for name in ("empty", "text", "loopback", "header", "folder", "missing"):
            with self.subTest(name):
                self.assertEqual(self.replay(f"pod0={name}", status=1), [])
                self.assertIn(name, self.said)

    def test_devices_that_there_are_not(self):
        self.capture("a", pcap([]))
        self.replay("pod9=a", status=2)
        self.assertIn("pod9", self.said)
        self.replay("a", status=2)

    def test_frames_that_nobody_can_read(self):
        frames = [(1, b""), (2, b"\x02"), (3, b"\xff" * 60), (4, udp(POD, 1, REMOTE, 2)[:30])]
        said = self.replay(f"pod0={self.capture('odd', pcap(frames))}")
        self.assertEqual([one["verdict"] for one in said], ["drop"] * 4)

    @unittest.skipIf("SANITIZED" in os.environ, "sanitizers keep what was freed")
    def test_memory_does_not_depend_on_the_length(self):
        """What a thousand times longer capture adds is not its own size."""
        def peak(count):
            frame = udp(POD, 4000, REMOTE, 53, b"x" * 400)
            name = self.capture("long", pcap((1 + n / 1e6, frame) for n in range(count)))
            size = (self.folder / name).stat().st_size
            with open(self.folder / "verdicts", "wb") as output:
                process = subprocess.Popen(
                    [SLUICE, "replay", "--config", "gw.yaml", "--in", f"pod0={name}", "--out-dir",
                     "out"], cwd=self.folder, stdout=output, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(status, 0)
            return usage.ru_maxrss << 10, size

        short, _ = peak(100)
        long, size = peak(100_000)
        self.assertGreater(size, 40 << 20)
        self.assertLess(long - short, 8 << 20)


if __name__ == "__main__":
    unittest.main()
