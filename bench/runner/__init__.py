# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What bench/run is made of."""
