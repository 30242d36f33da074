"""Typed columns of bytes -> text, in bulk: one C-level call per column, not per row.

    numbers    integers, floats, booleans, enums, addresses and plain bytes
    text       text in bytes -> str: UTF-8, invalid UTF-8, quotes
    strings    the text behind pointers, gathered from the target's memory
    variants   structs of which one variant is there: enums of Rust
    renderer   the rule for each type, and nested values
    literal, pattern, matching   keys that a user types, and what they match

languages/ knows what a language's own structs mean. Nothing here evaluates an expression or calls
into the target: it only reads memory.
"""

from .renderer import Renderer

__all__ = ["Renderer"]
