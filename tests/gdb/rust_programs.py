"""The programs of fixtures/rust and tests/gdb/programs, built once for each compiler under
build/rust/."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import ROOT
from rust_toolchains import CRATES, Toolchain, find_toolchains, has_crates, newest_with_cargo

SOURCE = ROOT / "fixtures" / "rust"
PROGRAMS = Path(__file__).resolve().parent / "programs"
BUILD = ROOT / "build" / "rust"

STOP = ("break fixture_stop", "run")
LEVELS = {"debug": ("-C", "opt-level=0"), "release": ("-C", "opt-level=2")}


def toolchains() -> tuple[Toolchain, ...]:
    """The compilers to test. Skips the module if there are none; CI fails then."""
    found = find_toolchains()
    if not found and os.environ.get("CI") == "true":
        raise pytest.UsageError("no Rust compiler: run scripts/setup")
    if not found:
        pytest.skip("no Rust compiler on this machine: run scripts/setup", allow_module_level=True)
    return found


def on(chosen: Sequence[Toolchain]) -> pytest.MarkDecorator:
    """Parametrizes a test by these compilers."""
    return pytest.mark.parametrize("rust", chosen, ids=lambda rust: rust.name)


@functools.cache
def compiled(rust: Toolchain, source: Path, level: str = "debug", *flags: str) -> Path:
    """A program of one file and the modules beside it, built with debug info."""
    words = [source.stem, level, *(flag.strip("-").replace("=", "-") for flag in flags)]
    folder = BUILD / rust.version
    exe = folder / "-".join(words).replace(" ", "").replace("/", "")
    folder.mkdir(parents=True, exist_ok=True)
    sources = [source, SOURCE / "truth.rs", rust.rustc]
    with _locked(folder / f"{exe.name}.lock"):
        newest = max(path.stat().st_mtime for path in sources)
        if not exe.exists() or exe.stat().st_mtime < newest:
            fresh = exe.with_suffix(".new")
            crate = source.stem
            command = [str(rust.rustc), "--edition", "2021", "--crate-name", crate, "-g"]
            command += [*LEVELS[level], *flags, "-o", str(fresh), str(source)]
            _run(command, SOURCE)
            fresh.replace(exe)
    return exe


@functools.cache
def of_crates(level: str = "debug") -> Path:
    """The program of fixtures/rust/crates; skips the test where the crates are not there."""
    able = newest_with_cargo()
    if able is None or not has_crates():
        pytest.skip("no crates for Rust programs on this machine: run scripts/setup")
    folder = BUILD / able.version / "crates"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        profile = ["--release"] if level == "release" else []
        command = [str(able.cargo), "build", "--locked", "--offline", "--quiet", *profile]
        _run([*command, "--target-dir", str(folder)], CRATES, able.environment)
    return folder / level / "crates"


def _run(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
