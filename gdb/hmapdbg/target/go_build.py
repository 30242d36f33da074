"""How a Go program was built, by its own build info (debug/buildinfo), and how to build its twin
with debug info: of the same code, with variables in the same places.

Flags are in the build info, which lies before all variables: those that drop debug info are
replaced by others of equal length that do nothing. With -trimpath they are not in it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from .core_file import NotACore, section_bytes

ET_DYN = 3
SECTION, MAGIC = ".go.buildinfo", b"\xff Go buildinf:"
INLINE = 2  # flag: the texts are in the section (from go1.18 on)
HEADER = 32  # bytes
MARK = 16  # bytes before and behind the text of the modules
ENVIRONMENT = ("CGO_ENABLED", "GOOS", "GOARCH", "GOAMD64", "GOARM", "GOARM64", "GOEXPERIMENT")
DEFAULTS = ("-compiler=gc", "-buildmode=exe")
NOTHING = "-n"  # a flag of Go's linker without effect, as long as -s and -w


def twin_command(program: str) -> str:
    """The command that builds the twin of a program; empty if it is not Go's, or does not say how
    it was built."""
    try:
        data = section_bytes(program, SECTION) or b""
    except (OSError, NotACore):
        return ""
    texts = list(_texts(data))
    if len(texts) < 2:
        return ""
    version, modules = texts[0].decode("utf-8", "replace"), texts[1][MARK:-MARK]
    lines = [one.split("\t") for one in modules.decode("utf-8", "replace").splitlines()]
    path = next((one[1] for one in lines if one[0] == "path" and len(one) > 1), "")
    settings = [_setting(one[1]) for one in lines if one[0] == "build" and len(one) > 1]
    if not path or not settings:
        return ""
    if _is_movable(program) and "-buildmode" not in dict(settings):
        settings.append(("-buildmode", "pie"))
    words = [f"{name}={_quoted(value)}" for name, value in settings if name in ENVIRONMENT]
    words += ["go", "build"]
    for name, value in settings:
        if not name.startswith("-") or f"{name}={value}" in DEFAULTS:
            continue
        if name == "-ldflags":
            value = re.sub(r"(?<!\S)-[sw](?!\S)", NOTHING, value)
        is_switch = value == "true"
        words.append(name if is_switch else f"{name}={_quoted(value)}")
    words.append(shlex.quote(path) if path != "command-line-arguments" else "FILES")
    revision = dict(settings).get("vcs.revision", "")
    of = f" of revision {revision}" if revision else ""
    return f"'{' '.join(words)}' by {version.split()[0]}{of}"


def go_version(program: str) -> str:
    """The version of Go that has built a program, and its experiments: "go1.25.8 X:noswissmap";
    empty if it was not Go, or one before go1.18. OSError."""
    try:
        data = section_bytes(program, SECTION) or b""
    except NotACore:
        return ""
    return next((one.decode("utf-8", "replace") for one in _texts(data)), "")


def _is_movable(program: str) -> bool:
    with open(program, "rb") as file:
        header = file.read(18)
    return int.from_bytes(header[16:18], "little" if header[5] == 1 else "big") == ET_DYN


def _texts(data: bytes) -> Iterator[bytes]:
    """The version, and the modules."""
    if data[: len(MAGIC)] != MAGIC or len(data) < HEADER or not data[15] & INLINE:
        return
    at = HEADER
    for _ in range(2):
        length, used = varint(data[at:])
        at += used
        yield data[at : at + length]
        at += length


def varint(data: bytes) -> tuple[int, int]:
    """The number that data begins with, in 7 bits a byte, and how many bytes it takes."""
    number = used = 0
    for byte in data:
        number |= (byte & 0x7F) << 7 * used
        used += 1
        if byte < 0x80:
            break
    return number, used


def _quoted(text: str) -> str:
    """A word of a command line that stands in single quotes as a whole, if possible."""
    quoted = shlex.quote(text)
    return f'"{text}"' if quoted != text and not re.search(r'["$`\\!]', text) else quoted


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return name, value
