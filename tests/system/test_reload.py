# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Another configuration comes into force while traffic flows."""

import collections
import json
import os
import pathlib
import re
import signal
import socket
import sys
import time

from lab import clients
from lab.system import run, wait_for
import support
from support import LabTest, NodeTopology, config_text

RELOADS = 200
A_SECOND = 500  # new connections
CONNECTIONS_BETWEEN = 30  # two reloads, at least
LINE = 45  # characters a connection in the stream's output, at most
PORT = 7000
STREAM = pathlib.Path(__file__).with_name("connection_stream.py")
EXTERNAL_SNAT = 'AWS_VPC_K8S_CNI_EXTERNALSNAT: "{}"'
POD = "pod-b1"
# What the peer sees of the pod: the SNAT address, or under EXTERNALSNAT the pod's own.
SEEN = {"false": "10.10.10.20", "true": "10.10.20.21"}


class ReloadTest(LabTest):
    """A lab, and the means to change its gateway's configuration."""

    def drops(self, lab):
        """Dropped packets by reason, those with any."""
        said = json.loads(self.console(lab, "show", "drops", "--json"))
        return {row["reason"]: row["packets"] for row in said["drops"]}

    def logged(self, lab, pattern):
        return len(re.findall(pattern, lab.gateway.log()))

    def wait_logged(self, lab, pattern, times=1):
        wait_for(lambda: self.logged(lab, pattern) >= times,
                 f"{times} times {pattern!r} in\n{lab.gateway.log()}")

    def rewrite(self, lab, old, new):
        """Replaces a piece of the configuration as editors do: a new file, renamed over it."""
        text = lab.gateway.config.read_text()
        self.assertIn(old, text)
        aside = lab.gateway.config.with_suffix(".new")
        aside.write_text(text.replace(old, new))
        os.replace(aside, lab.gateway.config)


class UnderLoad(ReloadTest):
    """iperf3, many new connections and some old ones, and a new policy every moment."""

    def start_traffic(self, lab):
        pod, peer = lab.parties[POD], lab.parties["peer"]
        server = lab.world.folder / "stream-server"
        with open(server, "wb") as output:
            peer.host.spawn([sys.executable, STREAM, "server", peer.address, PORT], stdout=output)
        wait_for(lambda: "listening" in server.read_text(), "the server to listen")
        self.told = lab.world.folder / "stream"
        with open(self.told, "wb") as output:
            self.stream = pod.host.spawn(
                [sys.executable, STREAM, "client", peer.address, PORT, A_SECOND, 20], stdout=output)
        self.iperf3 = lab.world.folder / "iperf3"
        with open(self.iperf3, "wb") as output:
            self.bulk = pod.host.spawn(["iperf3", "-c", peer.address, "-t", 3600, "-b", "50M",
                                        "--json"], stdout=output)
        lab.parties["peer"].servers.wait_for_iperf3_client()

    def reload(self, lab, number):
        """Puts the other policy into force; when it may have come and when it had, and which."""
        before, after = ("true", "false") if number % 2 else ("false", "true")
        begun = time.monotonic()
        self.rewrite(lab, EXTERNAL_SNAT.format(before), EXTERNAL_SNAT.format(after))
        if number % 3:
            self.assertIn("in force", self.console(lab, "reload"))
        else:
            said = self.logged(lab, r"in force \(SIGHUP\)")
            lab.gateway.process.send_signal(signal.SIGHUP)
            self.wait_logged(lab, r"in force \(SIGHUP\)", said + 1)
        return begun, time.monotonic(), after

    def break_it(self, lab):
        """A file that is wrong: refused, once by inotify or the signal, never again."""
        good = lab.gateway.config.read_text()
        lab.gateway.config.write_text(good + "surprise: 1\n")
        refused = r"surprise: "
        self.wait_logged(lab, refused)
        for _ in range(2):
            said = self.logged(lab, r"has errors \(SIGHUP\)")
            lab.gateway.process.send_signal(signal.SIGHUP)
            self.wait_logged(lab, r"has errors \(SIGHUP\)", said + 1)
        lab.gateway.config.write_text(good)
        return refused

    def test_two_hundred_reloads(self):
        lab = self.running_lab(serve=True)
        self.assertIsNone(clients.ping(lab.parties[POD], lab.parties["peer"]))
        self.start_traffic(lab)
        drops = self.drops(lab)
        begun = time.monotonic()
        reloads = [(begun, begun, "false")]
        for number in range(RELOADS):
            reloads.append(self.reload(lab, number))
            enough = self.told.stat().st_size + CONNECTIONS_BETWEEN * LINE
            wait_for(lambda: self.told.stat().st_size > enough, "new connections", pause=0.005)
            if number == RELOADS // 2:
                refused = self.break_it(lab)
        ended = time.monotonic()
        self.stream.terminate()
        self.assertEqual(self.stream.wait(30), 0)
        self.bulk.send_signal(signal.SIGINT)
        self.bulk.wait(10)

        self.assertEqual(self.drops(lab), drops, "no packet is lost to a reload")
        self.assertEqual(self.logged(lab, refused), 1, "a broken file is reported once")
        self.check_stream(reloads, ended)
        self.check_bulk()
        lab.end(self)

    def check_stream(self, reloads, ended):
        """Each connection saw the policy that was in force when it began."""
        lines = self.told.read_text().splitlines()
        flows = [line.split() for line in lines if not line.startswith("kept")]
        flows = [(float(begun), float(answered), told) for begun, answered, told in flows]
        self.assertNotIn("silent", [told for _, _, told in flows])
        judged = collections.Counter()
        borders = [begin for begin, _, _ in reloads[1:]] + [ended]
        for (_, in_force, policy), next_begun in zip(reloads, borders):
            for begun, answered, told in flows:
                # What overlaps a reload may have met either policy.
                if in_force <= begun and answered < next_begun:
                    self.assertEqual(told, SEEN[policy], f"{begun - in_force:.3f} s after a reload")
                    judged[policy] += 1
        rate = len(flows) / (ended - reloads[0][0])
        print(f"       {len(flows)} connections, {rate:.0f} a second, {sum(judged.values())} judged,"
              f" {len(reloads) - 1} reloads in {ended - reloads[0][0]:.1f} s", flush=True)
        self.assertGreater(rate, A_SECOND * 0.8)
        for policy in SEEN:
            self.assertGreater(judged[policy], RELOADS / 2 * CONNECTIONS_BETWEEN / 2)
        kept = [line.split()[1:] for line in lines if line.startswith("kept")]
        self.assertGreater(len(kept), 5)
        for told in kept:
            self.assertEqual(len(told), 2, f"one address, and answers to the end: {told}")
            self.assertGreater(int(told[1]), 5)
        self.assertEqual({told[0] for told in kept}, set(SEEN.values()), "of both policies")

    def check_bulk(self):
        """Data in every second: nothing stood still."""
        report = json.loads(self.iperf3.read_text())
        seconds = [part["sum"]["bytes"] for part in report["intervals"]]
        self.assertGreater(len(seconds), 5)
        self.assertNotIn(0, seconds[:-1])


class Noticing(ReloadTest):
    """Files that change by themselves."""

    def test_a_config_map_whose_link_is_swapped(self):
        lab = self.lab()
        folder, config = lab.gateway.folder, lab.gateway.config
        text = config.read_text()

        def publish(version, text):
            """As kubelet does: a new folder, and one rename."""
            (folder / version).mkdir()
            (folder / version / config.name).write_text(text)
            (folder / "..data_tmp").symlink_to(version)
            os.replace(folder / "..data_tmp", folder / "..data")

        config.unlink()
        publish("..2026_1", text)
        config.symlink_to(f"..data/{config.name}")
        lab.start()
        self.assertNotIn("192.0.2.0/24", self.console(lab, "show", "policy"))
        for number, prefix in enumerate(("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"), 2):
            publish(f"..2026_{number}", text.replace("192.168.0.0/16", f"192.168.0.0/16,{prefix}"))
            self.wait_logged(lab, rf"\+ .*{re.escape(prefix)}")
            self.assertIn(prefix, self.console(lab, "show", "policy"))
        self.assertEqual(self.logged(lab, r"in force \(a file changed\)"), 3)
        lab.end(self)

    def test_a_file_that_appears(self):
        text = config_text(NodeTopology)
        begin, end = text.index("  vpc_cni:"), text.index("\nflows:")
        agent = "  ip_masq_agent: {config: later/agent.yaml}\n"
        lab = self.running_lab(config_text=text[:begin] + agent + text[end:])
        self.assertIn("172.16.0.0/12", self.console(lab, "show", "policy"))
        later = lab.gateway.folder / "later"
        later.mkdir()
        (later / "agent.yaml").write_text("nonMasqueradeCIDRs: [10.10.0.0/16]\n")
        self.wait_logged(lab, r"in force \(a file changed\)")
        self.assertNotIn("172.16.0.0/12", self.console(lab, "show", "policy"))
        # And one that goes away again.
        (later / "agent.yaml").unlink()
        self.wait_logged(lab, r"in force \(a file changed\)", 2)
        self.assertIn("172.16.0.0/12", self.console(lab, "show", "policy"))
        lab.end(self)

    def test_what_needs_a_restart_is_named(self):
        lab = self.running_lab()
        self.rewrite(lab, "capacity: 65536", "capacity: 1024")
        self.wait_logged(lab, r"flows\.capacity has changed, which needs a restart")
        self.assertIn("capacity: 1024", lab.gateway.config.read_text())
        self.assertEqual(self.logged(lab, "in force"), 0)
        lab.end(self)

    def test_memory_does_not_grow(self):
        lab = self.running_lab()

        def reload_twice():
            for before, after in (("false", "true"), ("true", "false")):
                self.rewrite(lab, EXTERNAL_SNAT.format(before), EXTERNAL_SNAT.format(after))
                self.assertIn("in force", self.console(lab, "reload"))

        def memory():
            status = pathlib.Path(f"/proc/{lab.gateway.process.pid}/status").read_text()
            heap, = json.loads(self.console(lab, "show", "memory", "--json"))["heaps"]
            return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]), (heap["bytes"], heap["blocks"])

        for _ in range(20):
            reload_twice()
        resident, heap = memory()
        for _ in range(RELOADS // 2):
            reload_twice()
        resident_after, heap_after = memory()
        print(f"       {resident} kB, after {RELOADS} reloads {resident_after} kB; heap {heap}, "
              f"{heap_after}", flush=True)
        self.assertEqual(heap_after, heap, "bytes and blocks of DPDK's heap")
        self.assertLess(resident_after - resident, 1024)
        lab.end(self)


class OpenFlows(ReloadTest):
    """What a reload does, or would do, to flows that are open."""

    POOL = "10.10.20.40"  # in eni1's delegated prefix
    RULE = ("source: [10.10.10.20]", "source: [10.10.10.20]\n  rules: "
            "[{from: [10.10.10.21/32], to: [172.31.0.0/16], action: snat, source: [10.10.20.40]}]")

    def connect(self, lab, client, server):
        """A connection to the server's stream; the socket and the address that was seen."""
        with lab.parties[client].host.inside():
            connection = socket.socket()
        self.addCleanup(connection.close)
        connection.settimeout(5)
        connection.connect((lab.parties[server].address, PORT))
        return connection, connection.recv(100).decode().strip()

    def serve(self, lab, server):
        party = lab.parties[server]
        said = lab.world.folder / f"stream-{server}"
        with open(said, "wb") as output:
            party.host.spawn([sys.executable, STREAM, "server", party.address, PORT], stdout=output)
        wait_for(lambda: "listening" in said.read_text(), "the server to listen")

    def asked(self, connection):
        connection.send(b"?")
        return connection.recv(100).decode().strip()

    def test_only_flows_of_a_removed_address_die(self):
        lab = self.running_lab(config_text=config_text(NodeTopology, **dict([self.RULE])))
        self.serve(lab, "peer")
        doomed, seen = self.connect(lab, "pod-a1", "peer")
        self.assertEqual(seen, self.POOL)
        other, seen = self.connect(lab, "pod-b1", "peer")
        self.assertEqual(seen, NodeTopology.public)

        # Taken out of use only: it goes on.
        self.rewrite(lab, self.RULE[1], self.RULE[0])
        self.wait_logged(lab, "in force")
        self.assertEqual(self.asked(doomed), self.POOL)
        self.assertEqual(self.connect(lab, "pod-a1", "peer")[1], NodeTopology.public)

        # Taken from its ENI: it ends, and the next packet gets the answer of a flow nobody knows.
        self.rewrite(lab, "prefixes: [10.10.20.32/28]", "prefixes: []")
        self.wait_logged(lab, "1 session ended: no ENI may emit")
        with self.assertRaises(ConnectionResetError):
            doomed.send(b"?")
            doomed.recv(100)
        self.assertEqual(self.asked(other), NodeTopology.public)
        lab.end(self)

    def test_check_against_running(self):
        lab = self.running_lab()
        self.serve(lab, "peer")
        self.serve(lab, "vpc-host")
        kept = [self.connect(lab, pod, "peer") for pod in ("pod-a1", "pod-b1", "pod-b2")]
        kept.append(self.connect(lab, "pod-a1", "vpc-host"))
        text = lab.gateway.config.read_text()
        other = lab.gateway.folder / "other.yaml"

        def check(*arguments, status=0):
            done = run([str(support.BINARY), "check", "--config", str(other), "--against-running",
                        *arguments], check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout

        def by_kind():
            said = json.loads(check("--json"))
            self.assertEqual(said["sessions"], 4)
            self.assertEqual(said["changed"], sum(said["by_kind"].values()))
            self.assertEqual(bool(said["examples"]), said["changed"] > 0)
            return {kind: count for kind, count in said["by_kind"].items() if count}

        other.write_text(text)
        self.assertEqual(by_kind(), {})
        other.write_text(text.replace(EXTERNAL_SNAT.format("false"), EXTERNAL_SNAT.format("true")))
        self.assertEqual(by_kind(), {"snat_to_preserve": 3})
        self.assertIn("3 of 4 sessions", check())
        other.write_text(text.replace(*self.RULE))
        self.assertEqual(by_kind(), {"other_source": 1})
        other.write_text(text.replace(self.RULE[0], self.RULE[0] + "\n  rules: "
                                      "[{to: [172.31.5.0/24], action: drop},"
                                      " {to: [10.10.30.0/24], action: snat}]"))
        self.assertEqual(by_kind(), {"to_drop": 3, "preserve_to_snat": 1})
        self.assertIn("policy_drop", check())
        other.write_text(text.replace("capacity: 65536", "capacity: 1024"))
        self.assertEqual(json.loads(check("--json"))["needs_restart"], ["flows.capacity"])
        other.write_text(text + "surprise: 1\n")
        check(status=2)
        other.write_text(text)
        check("--socket", str(lab.gateway.folder / "nobody.sock"), status=1)
        for connection, seen in kept:
            self.assertEqual(self.asked(connection), seen, "nothing has been changed")
        lab.end(self)
        check(status=1)
