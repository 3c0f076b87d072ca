# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The real clients: each asks one server one thing and says whether the answer was the right one."""

import itertools
import json

from .servers import DNS_ANSWER, IPERF_PORT

PROTOCOL = {"ping": "icmp", "curl": "tcp", "iperf3": "tcp", "dig": "udp"}
_serial = itertools.count(1)


def use(tool, client, server):
    """Runs one client from party `client` to party `server`. None, or what went wrong."""
    return {"ping": ping, "curl": curl, "iperf3": iperf3, "dig": dig}[tool](client, server)


def _failure(done):
    said = (done.stderr + done.stdout).strip().splitlines()
    return said[-1] if said else f"status {done.returncode}"


def ping(client, server, *, count=2, wait=2):
    """Two echo requests, two answers."""
    done = client.host.run(["ping", "-n", "-c", count, "-i", "0.2", "-W", wait, server.address],
                           check=False)
    if f" {count} received" in done.stdout and "DUP!" not in done.stdout:
        return None
    summary = [line for line in done.stdout.splitlines() if "transmitted" in line]
    return summary[0] if summary else _failure(done)


def curl(client, server):
    """A page of the server's nginx, which holds the server's name."""
    done = client.host.run(["curl", "-sS", "--noproxy", "*", "--max-time", "5",
                            f"http://{server.address}/{next(_serial)}"], check=False)
    if done.returncode == 0 and done.stdout == f"{server.host.name}\n":
        return None
    return _failure(done)


def dig(client, server):
    """A name that only the lab's DNS servers know."""
    name = f"n{next(_serial)}.lab.test"
    done = client.host.run(["dig", "+short", "+tries=1", "+time=3", f"@{server.address}", name, "A"],
                           check=False)
    return None if done.stdout.strip() == DNS_ANSWER else _failure(done)


def iperf3(client, server):
    """A megabyte each way."""
    for direction in ([], ["--reverse"]):
        report = iperf3_report(client, server, ["--bytes", "1M", *direction])
        if "error" in report:
            return f"iperf3: {report['error']}"
        # Forwards the server stops counting when the client says it is done, not when all is read.
        enough = 1_000_000 if direction else 1
        if report["end"]["sum_received"]["bytes"] < enough:
            return f"iperf3: only {report['end']['sum_received']['bytes']} bytes arrived"
    return None


def iperf3_report(client, server, arguments, *, timeout=60):
    """Runs iperf3 and returns its own report; `error` in it says what went wrong."""
    server.servers.wait_for_iperf3()
    done = client.host.run(["iperf3", "--client", server.address, "--port", IPERF_PORT, "--json",
                            "--connect-timeout", "3000", *arguments], check=False, timeout=timeout)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": _failure(done)}
