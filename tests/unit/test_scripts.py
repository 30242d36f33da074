"""The scripts only call the package, and report a missing module in one line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
MISSING_STATUS = {"hmap-plot": 2, "hmap-cores": 3}


def run(script: str, *arguments: str | Path, path: Path | None = None) -> tuple[int, str, str]:
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [SCRIPTS / script, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def hide(folder: Path, module: str) -> Path:
    """A folder for PYTHONPATH that makes a module seem to be missing."""
    (folder / f"{module}.py").write_text(f'raise ModuleNotFoundError("hidden", name="{module}")\n')
    return folder


@pytest.mark.parametrize("script", sorted(MISSING_STATUS))
def test_a_script_only_sets_the_path_and_calls_the_package(script: str) -> None:
    lines = (SCRIPTS / script).read_text(encoding="utf-8").splitlines()
    assert len(lines) < 20
    assert lines[-1].strip() == "run()"


@pytest.mark.parametrize("script", sorted(MISSING_STATUS))
def test_numpy_that_is_missing_is_one_line(script: str, tmp_path: Path) -> None:
    status, output, messages = run(script, "--help", path=hide(tmp_path, "numpy"))
    assert (status, output) == (MISSING_STATUS[script], "")
    assert messages == f"{script}: cannot import 'numpy': install python3-numpy\n"


def test_matplotlib_that_is_missing_is_one_line(tmp_path: Path) -> None:
    source, picture = tmp_path / "o.csv", tmp_path / "out.png"
    source.write_text(
        "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n"
        "buckets,0,0x0,1,8,3,0,5,0,chains\n"
    )
    status, output, messages = run(
        "hmap-plot", source, "-o", picture, path=hide(tmp_path, "matplotlib")
    )
    assert (status, output) == (2, "")
    assert messages == "hmap-plot: cannot import 'matplotlib': install python3-matplotlib\n"
    assert sorted(os.listdir(tmp_path)) == ["matplotlib.py", "o.csv"]


def test_another_module_that_is_missing_is_a_mistake_of_ours(tmp_path: Path) -> None:
    status, _, messages = run("hmap-plot", "--help", path=hide(tmp_path, "argparse"))
    assert status == 1 and messages.startswith("Traceback")
