#!/usr/bin/env python3
"""Makes the programs that fuzz_layout damages: a folder each, with the layout file.

    make_seeds.py HMAP_LAYOUT FOLDER

Small programs of C, C++ and Go: DWARF 4 and 5, by gcc and clang, with type units, split, packaged,
by dwz, compressed, with a separate debug file, for another byte order, and not linked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = ROOT / "tests/layout"
REGISTRY = ROOT / "libhmap/src/registry.c"
SMALL = (ROOT / "tests/fuzz/small.c", REGISTRY)
LARGE = (LAYOUT / "sample.c", LAYOUT / "other.c", REGISTRY)
C_FLAGS = ("-std=gnu11", f"-I{ROOT}/libhmap/include", f"-I{ROOT}/libhmap/src")
SHARED = ("-shared", "-fPIC")  # small.c does not define all that it refers to

CXX_SOURCE = """#include <string>
#include <unordered_map>
namespace shop { struct item { int price; std::string name; };
enum class colour : unsigned char { red, green }; }
std::unordered_map<int, shop::item> items;
std::unordered_map<std::string, shop::colour> colours;
int main() { return static_cast<int>(items.size() + colours.size()); }
"""

SEPARATE = "objcopy --only-keep-debug sample sample.debug; strip sample"
LINK = f"{SEPARATE}; objcopy --add-gnu-debuglink=sample.debug sample"


@dataclass(frozen=True)
class Seed:
    """A program: its folder, the compiler with options, and commands to run after it."""

    name: str
    compiler: str
    after: str = ""
    is_large: bool = False


SEEDS = (
    Seed("large-4", "gcc -gdwarf-4", is_large=True),
    Seed("large-5", "gcc -gdwarf-5 -O2", is_large=True),
    Seed("gcc-4", "gcc -gdwarf-4"),
    Seed("gcc-5", "gcc -gdwarf-5 -O2"),
    Seed("clang-4", "clang -gdwarf-4"),
    Seed("clang-5", "clang -gdwarf-5 -O1"),
    Seed("lto", "gcc -gdwarf-5 -O2 -flto"),
    Seed("types-4", "gcc -gdwarf-4 -fdebug-types-section"),
    Seed("types-5", "gcc -gdwarf-5 -fdebug-types-section"),
    Seed("split-4", "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section"),
    Seed("split-5", "gcc -gdwarf-5 -gsplit-dwarf"),
    Seed("split-clang", "clang -gdwarf-5 -gsplit-dwarf"),
    Seed("split-zlib", "gcc -gdwarf-5 -gsplit-dwarf -gz=zlib"),
    Seed("dwp-4", "gcc -gdwarf-4 -gsplit-dwarf", "dwp -e sample; rm -f *.dwo"),
    Seed("dwp-5", "clang -gdwarf-5 -gsplit-dwarf", "llvm-dwp -e sample -o sample.dwp; rm -f *.dwo"),
    Seed("zlib", "gcc -g -gz=zlib"),
    Seed("zlib-gnu", "gcc -g -gz=zlib-gnu"),
    Seed("dwz", "gcc -gdwarf-4", "dwz sample"),
    Seed("dwz-5", "gcc -gdwarf-5", "dwz sample"),
    Seed("dwz-m", "gcc -gdwarf-4", "cp sample two; dwz -m common.debug sample two; rm two"),
    Seed("debuglink", "gcc -g -Wl,--build-id=none", LINK),
    Seed("object", "gcc -g -r -nostdlib"),
    Seed("s390x", "s390x-linux-gnu-gcc -g"),
    Seed("i686", "i686-linux-gnu-gcc -g"),
    Seed("cpp-4", "g++ -gdwarf-4"),
    Seed("cpp-5", "g++ -gdwarf-5"),
    Seed("cpp-clang", "clang++ -gdwarf-5"),
    Seed("go", "go build"),
    Seed("go-plain", "go build -ldflags=-compressdwarf=false"),
)


def command_of(seed: Seed, folder: Path) -> list[str]:
    """How to build the program `sample` in a folder."""
    words = seed.compiler.split()
    if words[0] == "go":
        return [*words, "-o", "sample", str(LAYOUT / "go_sample.go")]
    if "++" in words[0]:
        (folder / "sample.cc").write_text(CXX_SOURCE, encoding="utf-8")
        return [*words, "sample.cc", "-o", "sample"]
    if seed.is_large:
        return [*words, *C_FLAGS, *map(str, LARGE), "-o", "sample"]
    linked = () if "-r" in words else SHARED
    return [*words, *linked, *C_FLAGS, *map(str, SMALL), "-o", "sample"]


def make(seed: Seed, tool: Path, folder: Path) -> None:
    """Makes one folder. CalledProcessError if a command fails."""
    folder.mkdir(parents=True)
    subprocess.run(command_of(seed, folder), cwd=folder, check=True)
    if seed.after:
        subprocess.run(["sh", "-ec", seed.after], cwd=folder, check=True)
    subprocess.run([tool, "sample", "--json", "sample.json"], cwd=folder, check=True)


def main() -> int:
    """Makes all folders whose compilers are there; tells which are not."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    tool, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    shutil.rmtree(target, ignore_errors=True)
    for seed in SEEDS:
        if shutil.which(seed.compiler.split()[0]) is None:
            print(f"without {seed.name}: there is no {seed.compiler.split()[0]}")
            continue
        make(seed, tool, target / seed.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
