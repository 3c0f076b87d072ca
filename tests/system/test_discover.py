# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""`sluice discover` against an instance metadata service of the test's own."""

import http.server
import pathlib
import tempfile
import threading
import unittest

from lab.system import run
import support

MACS = "network/interfaces/macs/"
ZERO, ONE = MACS + "02:00:00:00:00:01/", MACS + "02:00:00:00:00:02/"
INSTANCE = {
    MACS: "02:00:00:00:00:02/\n02:00:00:00:00:01/",
    ZERO + "device-number": "0", ZERO + "interface-id": "eni-0a", ZERO + "local-ipv4s": "10.10.10.20\n10.10.10.21",
    ZERO + "subnet-ipv4-cidr-block": "10.10.10.0/24", ZERO + "vpc-ipv4-cidr-blocks": "10.10.0.0/16\n10.11.0.0/16",
    ONE + "device-number": "1", ONE + "interface-id": "eni-0b", ONE + "local-ipv4s": "10.10.20.20",
    ONE + "subnet-ipv4-cidr-block": "10.10.20.0/24", ONE + "vpc-ipv4-cidr-blocks": "10.10.0.0/16\n10.11.0.0/16",
    ONE + "ipv4-prefix": "10.10.20.32/28\n10.10.20.48/28",
}


class Service(http.server.BaseHTTPRequestHandler):
    token = "abc=="
    changed = INSTANCE

    def log_message(self, *_):
        pass

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        known = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if known and self.token else 403, self.token if known else "")

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != self.token:
            return self.answer(401)
        text = self.changed.get(self.path.removeprefix("/latest/meta-data/"))
        return self.answer(404 if text is None else 200, text or "")


class Discover(unittest.TestCase):
    def discover(self, service, status=0):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), service)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = run([str(support.BINARY), "discover", "--imds", f"http://127.0.0.1:{server.server_port}"], check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_it_prints_sections_that_check_accepts(self):
        said = self.discover(Service)
        for line in ("cidrs: [10.10.0.0/16, 10.11.0.0/16]", "- name: eni0", "address: 10.10.10.20/24",
                     "secondary: [10.10.10.21]", "address: 10.10.20.20/24",
                     "prefixes: [10.10.20.32/28, 10.10.20.48/28]"):
            self.assertIn(line, said)
        self.assertLess(said.index("eni0"), said.index("eni1"))
        self.assertEqual(said.count("primary: true"), 1)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sluice.yaml"
            for number in range(2):  # what only the operator knows: the test's machine has no such NIC
                said = said.replace('device: "" ', f'device: "0000:00:0{6 + number}.0" ', 1)
            path.write_text(said + "\npods: {cidrs: [10.10.0.0/16]}\n")
            done = run([str(support.BINARY), "check", "--config", str(path)], check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_answers_that_make_no_configuration_are_named(self):
        for key, answer in ((ONE + "device-number", "-7x"), (ONE + "local-ipv4s", "999.1.1.1"),
                            (ONE + "local-ipv4s", "10.10.20.20\n; true"), (ONE + "local-ipv4s", "10.9.0.1"),
                            (ONE + "ipv4-prefix", "10.10.0.0/99"), (ZERO + "vpc-ipv4-cidr-blocks", "inj: [x")):
            class Odd(Service):
                changed = INSTANCE | {key: answer}
            with self.subTest(key, answer=answer):
                said = self.discover(Odd, status=1)
                self.assertIn(key.rsplit("/", 1)[1], said)

    def test_cards_that_number_alike_get_names_of_their_own(self):
        class Cards(Service):
            changed = INSTANCE | {ONE + "device-number": "0"}
        said = self.discover(Cards)
        self.assertIn("- name: eni0 ", said)
        self.assertIn("- name: eni0-2 ", said)
        self.assertEqual(said.count("primary: true"), 1)

    def test_a_service_that_gives_no_token_or_is_not_there(self):
        class Closed(Service):
            token = ""
        self.assertIn("no token (403)", self.discover(Closed, status=1))
        done = run([str(support.BINARY), "discover", "--imds", "http://127.0.0.1:9"], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:9", done.stderr)
        self.assertEqual(run([str(support.BINARY), "discover", "--imds", "ftp://x"], check=False).returncode, 1)
