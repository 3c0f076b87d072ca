# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What the console says of things that are set, that fail, or that changed: whole, once, and as it is."""


from support import NodeTopology, config_text
from test_console import ConsoleTest


class Devices(ConsoleTest):
    def test_ipv6_routes_and_the_mtu_of_the_configuration_are_shown(self):
        address = "address: 10.10.10.20/24       # its"
        lab = self.running_lab(config_text=config_text(NodeTopology, **{
            address: "address6: fd10::20/64\n    gateway6: fd10::1\n    mtu: 1400\n    routes: "
                     "[{to: 10.10.64.0/18, via: 10.10.10.9}, {to: 'fd20::/64', via: 'fd10::9'}]\n    " + address}))
        routes = [{"to": "10.10.64.0/18", "via": "10.10.10.9"}, {"to": "fd20::/64", "via": "fd10::9"}]
        said = self.shown(lab, "show", "eni")
        names = ("address6", "router6", "mtu_configured", "routes")
        self.assertEqual([said["eni0"][name] for name in names], ["fd10::20/64", "fd10::1", 1400, routes])
        self.assertEqual([said["eni1"][name] for name in names], [None, "fe80:ec2::1", None, []])
        self.assertIsNone(said["pod-a1"]["mtu_configured"])
        self.assertIn("routes: 10.10.64.0/18 via 10.10.10.9, fd20::/64 via fd10::9\n", self.ask(lab, "show", "eni"))
        lab.end(self)
