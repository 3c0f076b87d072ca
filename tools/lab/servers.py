# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The real servers that every party of the lab runs, and what they say of who came.

nginx (web), dnsmasq (DNS), iperf3, and the kernel's answer to ping. Whose address a server saw is
read from its own log; for ping, from a note the server's host makes of every echo request.
"""

import re

from .system import LabError, wait_for

DNS_ANSWER = "192.0.2.53"
IPERF_PORT = 5201

_NGINX = """
daemon off; master_process off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.error;
events {{ worker_connections 256; }}
http {{
  log_format peer '$remote_addr $request_uri';
  access_log {folder}/nginx.log peer;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 80; location / {{ return 200 "{name}\\n"; }} }}
}}
"""
_PING_NOTES = """
table netdev ping_notes {
  set sources { type ipv4_addr; flags dynamic; size 65535; }
  chain in {
    type filter hook ingress device "eth0" priority 0; policy accept;
    icmp type echo-request update @sources { ip saddr }
  }
}
"""


class Servers:
    """The servers of one host. Read `web_clients()` and its sisters after `forget()` and a flow."""

    def __init__(self, host):
        self.host = host
        self.folder = host.world.folder / host.name
        self.folder.mkdir()
        self._begin = {}
        self._processes = {}
        host.nft(_PING_NOTES)
        self._start_nginx()
        self._start_dnsmasq()
        self._start_iperf3()

    def _start_nginx(self):
        configuration = self.folder / "nginx.conf"
        configuration.write_text(_NGINX.format(folder=self.folder, name=self.host.name))
        self._spawn("nginx.out", ["nginx", "-p", self.folder, "-e", self.folder / "nginx.error",
                                  "-c", configuration])

    def _start_dnsmasq(self):
        self._spawn("dnsmasq.log", [
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--user=root", f"--pid-file={self.folder}/dnsmasq.pid", "--log-facility=-",
            "--log-queries=extra", f"--address=/lab.test/{DNS_ANSWER}"])

    def _start_iperf3(self):
        self._spawn("iperf3.log", ["iperf3", "--server", "--forceflush", "--port", IPERF_PORT])

    def _spawn(self, log, arguments):
        with open(self.folder / log, "wb") as output:
            self._processes[log] = self.host.spawn(arguments, stdout=output)

    def wait_until_ready(self):
        """Waits until the three listen."""
        wanted = {"80", "53", str(IPERF_PORT)}

        def listening():
            for log, process in self._processes.items():
                if process.poll() is not None:
                    raise LabError(f"{process.args}: ended: {(self.folder / log).read_text()}")
            said = self.host.run(["ss", "-Hltn"]).stdout
            return wanted <= {line.split()[3].rpartition(":")[2] for line in said.splitlines()}
        wait_for(listening, f"the servers of {self.host.name} to listen")

    def forget(self):
        """From here on the questions below are about what comes after."""
        for log in ("nginx.log", "dnsmasq.log", "iperf3.log"):
            path = self.folder / log
            self._begin[log] = path.stat().st_size if path.exists() else 0
        self.host.nft("flush set netdev ping_notes sources\n")

    def _since(self, log):
        with open(self.folder / log, "rb") as stream:
            stream.seek(self._begin.get(log, 0))
            return stream.read().decode(errors="replace")

    def clients(self, tool):
        """The addresses this server saw `tool` come from, a set."""
        return {"ping": self._ping_clients, "curl": self._web_clients,
                "dig": self._dns_clients, "iperf3": self._iperf3_clients}[tool]()

    def _ping_clients(self):
        for item in self.host.nft_json("list table netdev ping_notes"):
            if "set" in item:
                return set(item["set"].get("elem", []))
        return set()

    def _web_clients(self):
        return {line.split()[0] for line in self._since("nginx.log").splitlines()}

    def _dns_clients(self):
        return set(re.findall(r" (\S+)/\d+ query\[A\] ", self._since("dnsmasq.log")))

    def wait_for_iperf3(self):
        """Waits until iperf3 listens: it serves one test at a time, and listens anew after each."""
        def idle():
            said = (self.folder / "iperf3.log").read_text(errors="replace")
            return said.rfind("Server listening") > said.rfind("Accepted connection")
        wait_for(idle, f"iperf3 of {self.host.name} to listen")

    def wait_for_iperf3_client(self):
        """Waits until a test's data has begun to flow."""
        wait_for(lambda: "bits/sec" in self._since("iperf3.log"), "iperf3's data", seconds=20)

    def _iperf3_clients(self):
        """Both the control connections' peers and the data's."""
        said = self._since("iperf3.log")
        return (set(re.findall(r"Accepted connection from (\S+), port", said))
                | set(re.findall(r"connected to (\S+) port", said)))
