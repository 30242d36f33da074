"""Runs inside gdb: opens each path of a saved list, and tells those that open another map."""

from __future__ import annotations

import json
import os
import tempfile

import gdb


def open_listed(document: str) -> None:
    """Prints a line for each path of hmap-list that hmap-dump does not open, or opens elsewhere."""
    with open(document, encoding="utf-8") as file:
        rows = json.load(file)["maps"]
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "dump.json")
        for row in rows:
            try:
                gdb.execute(f"hmap-dump {row['path']} --json {dump}", to_string=True)
            except gdb.error as error:
                print(f"not opened: {row['path']}: {error}")
                continue
            with open(dump, encoding="utf-8") as file:
                header = json.load(file)["header"]
            if header["address"] != row["address"]:
                print(f"another map: {row['path']}: {header['address']}, not {row['address']}")
    print(f"opened {len(rows)}")
