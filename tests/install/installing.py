"""Shared by the tests of the installation: commands, and the contents of folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import limits

ROOT = Path(__file__).resolve().parents[2]


def sh(command: Sequence[Path | str], *, cwd: Path = ROOT, **environment: str) -> str:
    """Runs a command that must succeed, and returns its output."""
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
    """The files and links below a folder, relative to it, without Python's bytecode."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.suffix != ".pyc"
    }
