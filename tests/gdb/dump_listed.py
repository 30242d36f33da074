"""Runs inside gdb: lists all maps, and dumps each of them by the path of its row."""

from __future__ import annotations

import json

import gdb


def dump_listed(folder: str) -> None:
    """Writes list.json, and ADDRESS.occupancy and ADDRESS.entries of each map, into a folder."""
    document = f"{folder}/list.json"
    gdb.execute(f"hmap-list --limit 0 --json {document}", to_string=True)
    with open(document, encoding="utf-8") as file:
        rows = json.load(file)["maps"]
    for row in rows:
        base = f"{folder}/{row['address']}"
        files = f"--csv {base}.occupancy --entries {base}.entries"
        gdb.execute(f"hmap-dump {row['path']} {files}", to_string=True)
    print(f"dumped {len(rows)}")
