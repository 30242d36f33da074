"""Words for a figure: letters that its font has, no markup, no more than there is room for."""

from __future__ import annotations

import textwrap


def count_of(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def plain(text: str) -> str:
    """Text as letters that the font has: what is unprintable, or not in it, becomes \\xNN."""
    if text.isascii() and text.isprintable():
        return text
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return "".join(
        letter if letter.isprintable() and font.get_char_index(ord(letter)) else _escaped(letter)
        for letter in text
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def math_free(text: str) -> str:
    """Text in which dollars are dollars: matplotlib takes those between two of them for TeX."""
    return text.replace("$", r"\$")


def shorten(text: str, most: int) -> str:
    """At most so many letters; the middle goes first."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[len(text) - half:]}"


def wrap(text: str, width: int, most: int) -> list[str]:
    """Lines of at most `width` letters, at most so many; what is cut ends with "…"."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    if len(lines) > most:
        lines[most - 1] = shorten(lines[most - 1], width - 1) + "…"
    return lines[:most]
