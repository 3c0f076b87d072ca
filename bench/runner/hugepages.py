# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Hugepages for the time of a run: what a gateway has where speed matters, and its peers as well."""

import contextlib
import pathlib

_COUNT = pathlib.Path("/proc/sys/vm/nr_hugepages")


@contextlib.contextmanager
def reserved(pages):
    """So many pages of 2 MiB, or as many as the kernel finds, and afterwards as many as before. What
    there was stands in the report; the programs do without where it is too little, or none can be had."""
    before = None
    with contextlib.suppress(OSError):
        now = int(_COUNT.read_text())
        if now < pages:
            _COUNT.write_text(str(pages))
            before = now
    try:
        yield
    finally:
        if before is not None:
            _COUNT.write_text(str(before))
