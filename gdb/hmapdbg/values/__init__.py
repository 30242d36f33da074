"""Typed columns of bytes -> text, in bulk: one C-level call for a column, not one for a row.

    numbers    integers, floats, booleans, enums, addresses and plain bytes
    text       bytes that hold text -> str: UTF-8, what is not UTF-8, quotes
    strings    the text behind pointers, gathered from the target's memory
    renderer   the rule for each type, and values made of values

What a struct of a language's own means, languages/ says. Nothing here evaluates an expression or
calls into the target: memory is all it asks for.
"""

from .renderer import Renderer

__all__ = ["Renderer"]
