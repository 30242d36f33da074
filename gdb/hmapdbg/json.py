"""The JSON form of a dump: "format": "hmap-dump/1". Reads no memory, imports no gdb."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .block import Problem
from .header import Array, Aspect, Growth, Header, Table
from .layout import StructLayout
from .stats import Stats

FORMAT = "hmap-dump/1"

# What json.dumps leaves as it is, but must not reach a terminal, and bytes that are no text.
_CONTROL = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def text_of(document: Any, indent: int) -> str:
    """A document as JSON, with a newline behind it: all of it text that can be printed. A file's
    name that is not UTF-8 has \\udcNN for such a byte, as os.fsdecode has it. ValueError for a NaN.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n"


def dump(stats: Stats, problems: Sequence[Problem]) -> str:
    """One JSON object, with a newline behind it. Addresses are strings, sizes are bytes."""
    document = {
        "format": FORMAT,
        "header": _header(stats.header),
        "statistics": _statistics(stats),
        "memory": _memory(stats),
        "verdicts": [{"name": one.name, "text": one.text} for one in stats.verdicts()],
        "problems": [_problem(one) for one in problems],
    }
    return text_of(document, 2)


def layouts(structs: Sequence[StructLayout]) -> str:
    """Struct layouts as one JSON object, with a newline behind it."""
    document = {
        "format": "hmap-structs/1",
        "structs": [
            {
                "name": struct.name,
                "size": struct.size,
                "fields": [
                    {
                        "name": member.name,
                        "offset": member.offset,
                        "size": member.size,
                        "type": member.type.name,
                        "source": member.source,
                    }
                    for member in struct.members
                ],
            }
            for struct in structs
        ],
    }
    return text_of(document, 2)


def _header(header: Header) -> dict[str, Any]:
    geometry, growth = header.geometry, header.growth or Growth()
    return {
        "expression": header.expression,
        "address": f"0x{header.address:x}",
        "family": header.family,
        "type": header.type_name,
        "key_type": header.key_type.name,
        "elem_type": header.elem_type.name,
        "name": header.name,
        "created_at": header.created_at,
        "count": header.count,
        "geometry": geometry.name,
        "B": growth.B,
        "bucket_size": geometry.bucket_size,
        "slots_per_bucket": geometry.slots,
        "load_factor": geometry.load_factor,
        "chained": geometry.is_list,
        "next_resize": growth.above,
        "probing": Aspect.PROBES in geometry.aspects,
        "growing": header.growing,
        "same_size_grow": growth.same_size,
        "nevacuate": growth.nevacuate,
        "writing": header.writing,
        "iterators": header.pins.iterators,
        "overflow_estimate": None if header.overflow is None else header.overflow.estimate,
        "arrays": [_array(one) for one in header.arrays],
        "retired": [_array(one) for one in header.pins.retired],
        "tables": [_table(one) for one in header.tables],
        "facts": dict(header.facts),
        "notes": list(header.notes),
    }


def _array(array: Array) -> dict[str, Any]:
    return {
        "name": array.name,
        "role": array.role.value,
        "address": f"0x{array.address:x}",
        "buckets": array.buckets,
        "spare": array.spare,
        "pins": array.pins,
        "size": array.size,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "index": table.index,
        "address": f"0x{table.address:x}",
        "used": table.used,
        "capacity": table.capacity,
        "growth_left": table.growth_left,
        "local_depth": table.local_depth,
        "tombstones": table.tombstones,
    }


def _statistics(stats: Stats) -> dict[str, Any]:
    geometry = stats.header.geometry
    # Of a part of a map, or of entries that have no buckets, a spread says nothing.
    whole = not stats.unread and not (stats.live and not stats.main_buckets)
    uniform = whole and (stats.header.null_model is not None or not geometry.aspects)
    return {
        "live": stats.live,
        "deleted": stats.deleted,
        "empty": stats.empty,
        "slots": stats.slots,
        "buckets": stats.main_buckets,
        "evacuated": stats.evacuated,
        "overflow": stats.overflow,
        "load": stats.load,
        "mean": stats.mean,
        "mean_occupied": stats.mean_occupied,
        "maximum": stats.maximum,
        "nodes_of_hit": stats.nodes_of_hit if geometry.is_list else None,
        "nodes_of_miss": stats.nodes_of_miss if geometry.is_list else None,
        "sd": stats.sd,
        "expected_sd": stats.expected_sd if uniform else None,
        "position_sd": stats.position_sd if uniform else None,
        "uniform_position_sd": stats.uniform_position_sd if uniform else None,
        "chi_square": stats.chi_square if uniform and stats.chi_square >= 0 else None,
        "p": stats.p_value,
        "longest_chain": stats.longest_chain,
        "longest_chains": [
            {"chain": chain, "array": array, "bucket": bucket}
            for chain, array, bucket in stats.longest
        ],
        "chains": stats.chains.tolist(),
        "mean_probe": stats.mean_probe,
        "longest_probe": stats.longest_probe[0],
        "probes": stats.probes.tolist(),
        "occupancy": stats.counts.tolist(),
    }


def _memory(stats: Stats) -> dict[str, Any]:
    return {
        "held": stats.held,
        "rounded": stats.header.is_rounded,
        "rebuilt": stats.rebuilt,
        "wasted": stats.wasted,
        "buckets": stats.bucket_bytes,
        "directory": stats.header.held_as("directory"),
        "overflow": stats.overflow_bytes,
        "spare": stats.spare_bytes,
        "boxes": stats.box_bytes,
        "pinned": stats.pinned_bytes,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "invariant": problem.invariant or None,
        "address": None if problem.address is None else f"0x{problem.address:x}",
        "text": problem.text,
    }
