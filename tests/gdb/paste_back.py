"""Run inside gdb by listings.paste_back: opens each path of a list that hmap-list has written as
JSON, and writes beside each row what hmap-dump says of the map that the path opened."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import gdb


def opened(path: str) -> dict[str, Any]:
    """What hmap-dump of a path says of its map, or its error."""
    with tempfile.TemporaryDirectory() as scratch:
        file = os.path.join(scratch, "dump.json")
        try:
            gdb.execute(f"hmap-dump {path} --json {file}", to_string=True)
        except gdb.error as error:
            return {"error": str(error)}
        with open(file, encoding="utf-8") as stream:
            return dict(json.load(stream))


def main(file: str, every: int) -> None:
    """See the module; of a long list, one path in `every`, and the longest."""
    with open(file, encoding="utf-8") as stream:
        rows = json.load(stream)["maps"]
    if every > 1:
        rows.sort(key=lambda row: (-len(row["path"]), row["path"]))
        rows = rows[::every]
    pairs = [{"row": row, "dump": opened(row["path"])} for row in rows]
    with open(f"{file}.pasted", "w", encoding="utf-8") as stream:
        json.dump(pairs, stream)


if __name__ == "__main__":
    main(globals()["FILE"], globals()["EVERY"])
