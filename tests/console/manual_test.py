#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""A committed page of the manual is what the program writes.

    manual_test.py SLUICE REPOSITORY_ROOT PAGE [--write]
"""

import pathlib
import subprocess
import sys

FILES = {"console": "docs/console.md", "sluice.1": "docs/sluice.1", "sluice.yaml.5": "docs/sluice.yaml.5"}


def main():
    program, root, page, *write = sys.argv[1:]
    root = pathlib.Path(root)
    arguments = [page, str(root / "conf" / "reference.yaml")] if page == "sluice.yaml.5" else [page]
    written = subprocess.run([program, "manual", *arguments], check=True, capture_output=True, text=True).stdout
    target = root / FILES[page]
    if write:
        target.write_text(written)
    elif target.read_text() != written:
        sys.exit(f"{FILES[page]} is not what `sluice manual {page}` writes; tests/console/manual_test.py "
                 f"build/sluice . {page} --write renews it")


if __name__ == "__main__":
    main()
