# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The lab: a VPC with real hosts and real clients, made of network namespaces on one machine.

Read `topology.py` for what a lab is, `node.py` and `dedicated.py` for the two that exist, `fabric.py`
for how the VPC checks sources, and `table.py` for what the quickstart prints.
"""
