"""The rows of the layout matrix: one small program, built with all variants of DWARF.

A row has the exact commands, which run in the row's own folder; docs/layouts.md lists the same
rows, and test_docs.py compares the two.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import limits

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SOURCES = (HERE / "sample.c", HERE / "other.c", ROOT / "libhmap/src/registry.c")
INCLUDES = (f"-I{ROOT}/libhmap/include", f"-I{ROOT}/libhmap/src")

BUILD_ID = "$(readelf -n sample | sed -n 's/.*Build ID: //p')"
SEPARATE = "objcopy --only-keep-debug sample sample.debug", "strip sample"


@dataclass(frozen=True)
class Row:
    """A program: the compiler and its options, and the steps after that on `sample`."""

    name: str
    compiler: str
    steps: tuple[str, ...] = ()
    folder: str = ""  # of debug files, in the row's folder
    processor: str = ""  # qemu's name for another processor
    gdb_fails: str = ""  # why a gdb, 13.1 if none is named, reads it stripped, with the layout file

    def __str__(self) -> str:
        """The name as one word, for pytest's -k."""
        return re.sub(r"[^\w.]+", "_", self.name)

    @property
    def how(self) -> str:
        """The commands, for people."""
        return "; ".join([self.compiler, *self.steps])

    def build(self, folder: Path) -> Path:
        """Builds the program in an empty folder. AssertionError if a command fails."""
        flags = ["-std=gnu11", *INCLUDES, *map(str, SOURCES), "-o", "sample"]
        run([*self.compiler.split(), *flags], folder)
        for step in self.steps:
            run(["sh", "-ec", step], folder)
        return folder / "sample"


def run(command: list[str], folder: Path) -> None:
    """Runs a command that must succeed."""
    done = limits.run(
        command,
        cwd=folder,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"


ROWS = (
    Row("gcc, DWARF 4, not optimised", "gcc -gdwarf-4 -O0"),
    Row("gcc, DWARF 5, not optimised", "gcc -gdwarf-5 -O0"),
    Row("gcc, DWARF 5, -O1", "gcc -gdwarf-5 -O1"),
    Row("gcc, DWARF 4, -O2", "gcc -gdwarf-4 -O2"),
    Row("gcc, DWARF 5, -O3", "gcc -gdwarf-5 -O3"),
    Row("gcc, DWARF 4, link-time optimisation", "gcc -gdwarf-4 -O2 -flto"),
    Row("gcc, DWARF 5, link-time optimisation", "gcc -gdwarf-5 -O2 -flto"),
    Row("gcc, static, not relocatable", "gcc -g -O2 -static -no-pie"),
    Row("clang, DWARF 4, not optimised", "clang -gdwarf-4 -O0"),
    Row("clang, DWARF 5, not optimised", "clang -gdwarf-5 -O0"),
    Row("clang, DWARF 5, -O1", "clang -gdwarf-5 -O1"),
    Row("clang, DWARF 4, -O2", "clang -gdwarf-4 -O2"),
    Row("clang, DWARF 5, -O3", "clang -gdwarf-5 -O3"),
    Row("clang, link-time optimisation", "clang -g -O2 -flto -fuse-ld=gold"),
    Row("gcc, DWARF 4, type units", "gcc -gdwarf-4 -fdebug-types-section"),
    Row("gcc, DWARF 5, type units", "gcc -gdwarf-5 -fdebug-types-section"),
    Row("clang, DWARF 4, type units", "clang -gdwarf-4 -fdebug-types-section"),
    Row("clang, DWARF 5, type units", "clang -gdwarf-5 -fdebug-types-section"),
    Row("gcc, DWARF 4, split", "gcc -gdwarf-4 -gsplit-dwarf"),
    Row("gcc, DWARF 5, split", "gcc -gdwarf-5 -gsplit-dwarf"),
    Row("clang, DWARF 4, split", "clang -gdwarf-4 -gsplit-dwarf"),
    Row("clang, DWARF 5, split", "clang -gdwarf-5 -gsplit-dwarf"),
    Row("gcc, DWARF 4, split, type units", "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section"),
    Row(
        "gcc, DWARF 5, split, type units",
        "gcc -gdwarf-5 -gsplit-dwarf -fdebug-types-section",
        gdb_fails="Dwarf Error: wrong version in compilation unit header",
    ),
    Row("gcc, DWARF 4, dwp", "gcc -gdwarf-4 -gsplit-dwarf", ("dwp -e sample", "rm *.dwo")),
    Row(
        "gcc, DWARF 4, type units, dwp",
        "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section",
        ("dwp -e sample", "rm *.dwo"),
        gdb_fails="gdb 18.1 finds none of its types by name",
    ),
    Row(
        "clang, DWARF 5, dwp",
        "clang -gdwarf-5 -gsplit-dwarf",
        ("llvm-dwp -e sample -o sample.dwp", "rm *.dwo"),
        gdb_fails="it ends by a segmentation fault",
    ),
    Row("gcc, compressed", "gcc -g -gz=zlib"),
    Row("gcc, compressed, GNU format", "gcc -g -gz=zlib-gnu"),
    Row("gcc, dwz", "gcc -gdwarf-4", ("dwz sample",)),
    Row("gcc, DWARF 5, dwz", "gcc -gdwarf-5", ("dwz sample",)),
    Row(
        "gcc, dwz, common file",
        "gcc -gdwarf-4",
        ("cp sample second", "dwz -m common.debug sample second"),
    ),
    Row(
        "gcc, DWARF 5, dwz, common file",
        "gcc -gdwarf-5",
        ("cp sample second", "dwz -m common.debug sample second"),
    ),
    Row(
        "gcc, .gnu_debuglink",
        "gcc -g",
        (*SEPARATE, "objcopy --add-gnu-debuglink=sample.debug sample"),
    ),
    Row(
        "gcc, .gnu_debuglink without build ids",
        "gcc -g -Wl,--build-id=none",
        (*SEPARATE, "objcopy --add-gnu-debuglink=sample.debug sample", "mkdir .debug")
        + ("mv sample.debug .debug",),
    ),
    Row(
        "gcc, folder of build ids",
        "gcc -g",
        (
            *SEPARATE,
            f'id={BUILD_ID}; rest=${{id#??}}; to="debug/.build-id/${{id%"$rest"}}"; '
            'mkdir -p "$to"; mv sample.debug "$to/$rest.debug"',
        ),
        folder="debug",
    ),
    Row("i686", "i686-linux-gnu-gcc -g -static", processor="i386"),
    Row("32-bit ARM", "arm-linux-gnueabihf-gcc -g -static", processor="arm"),
    Row("64-bit ARM", "aarch64-linux-gnu-gcc -g -static", processor="aarch64"),
    Row("s390x, big-endian", "s390x-linux-gnu-gcc -g -static", processor="s390x"),
    Row(
        "s390x, big-endian, DWARF 4",
        "s390x-linux-gnu-gcc -gdwarf-4 -O2 -static",
        processor="s390x",
    ),
)
