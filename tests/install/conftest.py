"""What the tests of the installation share: a build, and that build installed into a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import limits

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "gdb"))  # harness


def sh(command: Sequence[Path | str], *, cwd: Path = ROOT, **environment: str) -> str:
    """Runs a command that must succeed and returns what it printed."""
    words = [str(word) for word in command]
    done = limits.run(
        words,
        cwd=cwd,
        env=os.environ | {"LC_ALL": "C.UTF-8"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}"
    return done.stdout


def files_below(folder: Path) -> set[str]:
    """The files and links below a folder, relative to it; without what Python has compiled."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.suffix != ".pyc"
    }


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of what is installed, as someone makes it who has the source and reads the README."""
    folder = tmp_path_factory.mktemp("build")
    options = ["-DHMAP_BUILD_TESTS=OFF", "-DHMAP_BUILD_FIXTURES=OFF"]
    sh(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *options])
    sh(["cmake", "--build", folder, "-j", "2"])
    return folder


@pytest.fixture(scope="session")
def prefix(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That build, installed."""
    folder = tmp_path_factory.mktemp("prefix")
    sh(["cmake", "--install", build, "--prefix", folder])
    return folder


@pytest.fixture(scope="session")
def consumers(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with programs that CMake has built against the installation."""
    folder = tmp_path_factory.mktemp("consumers")
    source = ROOT / "tests" / "install" / "consumer"
    sh(["cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"])
    sh(["cmake", "--build", folder, "-j", "2"])
    return folder
