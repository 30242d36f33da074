"""Programs whose data harms who shows it raw: on a terminal, in a spreadsheet, a page, a picture, a
path; and what is to be found of that in what is shown of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from go_toolchains import Toolchain
from harness import ROOT

PROGRAMS = Path(__file__).resolve().parent / "programs"

TEXTS = (
    b"\x1b]8;;http://evil.example/\x07click\x1b]8;;\x07",  # OSC 8: a link
    b"\x1b]52;c;ZXZpbA==\x07",  # OSC 52: the clipboard
    b"\x1b[31mred\x1b[2J\x1b]0;title\x1b\\",
    b"\x9b31m one byte",
    b"\xc2\x9b31m two bytes",
    b"\xff\xfe not UTF-8 \xed\xa0\x80",
    "\u202egnp.exe\u2066\u200f\u061c bidirectional marks".encode(),
    "line\r\n(gdb) shell id\u2028next\x08\x08\x7f".encode(),
    b"<script>alert(1)</script>",
    b"\"'></title><img src=x onerror=alert(1)>",
    b"]]></svg><script>alert(1)</script>&amp;",
    b"--><script>alert(1)</script><!--",
    b"$\\frac{",
    b"$\\sqrt[$ \\input{/etc/passwd} $$",
    b"=cmd|' /C calc'!A0",
    b"+1+1",
    b"-1+1",
    b"-17",
    b"@SUM(1;1)",
    b"\t=1+1",
    b"\r=1+1",
    b' "=1+1"',
    b"a;=1+1",
    "\uff1d1+1".encode(),  # a wide "="
    b"../../../../../../tmp/evil",
    b"/etc/evil",
    b"%s%n%1000000000d{{7*7}}{% raw %}",
    b"x --csv /tmp/evil -- y",
    b"--json",
)

# Names in the sources, and what stands for them in the executable: no compiler takes such a name.
NAMES = {
    b"EVILTYPE_EVILTYPE_EVIL": b"\x1b]52;c;ZXZpbA==\x07</i>$=",
    b"EVILVARI_EVILVARI_EVIL": b"\x1b]8;;http://a.example\x07",
    b"EVILFILE_EVILFILE_EVIL": b"\x1b[2J\xe2\x80\xae<b>$\\frac{\xff\x9b=1+",
}

# What steers a terminal or turns letters round; a line end is looked for where there is to be none.
RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def raw_bytes(text: str) -> list[str]:
    """What of a text must not reach a terminal."""
    return RAW.findall(text)


def build_c(folder: Path) -> Path:
    """hostile.c with the static library of the build `dev`."""
    library = ROOT / "libhmap"
    program = folder / "hostile_c"
    flags = ["-pthread", f"-I{library}/include", f"-I{library}/src", _header(folder)]
    source, archive = PROGRAMS / "hostile.c", ROOT / "build/dev/libhmap/libhmap.a"
    subprocess.run(["gcc", "-g", "-o", program, source, archive, *flags], check=True)
    return _renamed(program)


def build_cpp(folder: Path) -> Path:
    """hostile.cc."""
    program = folder / "hostile_cpp"
    flags = ["-g", "-std=c++17", _header(folder)]
    subprocess.run(["g++", *flags, "-o", program, PROGRAMS / "hostile.cc"], check=True)
    return _renamed(program)


def build_go(folder: Path, go: Toolchain) -> Path:
    """go_hostile, whose argument is the file hostile.hex beside it."""
    program = folder / "hostile_go"
    (folder / "hostile.hex").write_text("".join(f"{one.hex()}\n" for one in TEXTS))
    go.run(
        "build", "-ldflags=-compressdwarf=false", "-o", program, ".", cwd=PROGRAMS / "go_hostile"
    )
    return _renamed(program)


def _header(folder: Path) -> str:
    """The flag for the folder with hostile.h, which has the texts."""
    rows = ("".join(f"\\{byte:03o}" for byte in one) for one in TEXTS)
    table = "".join(f'    {{"{row}", {len(one)}}},\n' for row, one in zip(rows, TEXTS))
    (folder / "hostile.h").write_text(
        "#include <stddef.h>\n"
        "struct text { const char *bytes; size_t size; };\n"
        f"static const struct text hostile[] = {{\n{table}}};\n"
        "enum { HOSTILE = sizeof hostile / sizeof hostile[0], MEGABYTE = 1 << 20 };\n"
    )
    return f"-I{folder}"


def _renamed(program: Path) -> Path:
    data = program.read_bytes()
    for name, evil in NAMES.items():
        assert len(name) == len(evil), evil
        data = data.replace(name, evil)
    program.write_bytes(data)
    return program
