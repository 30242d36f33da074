"""Full disks and signals: hmap-cores and hmap-plot leave no half files, and say why in a line."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import limits
from rig import ROOT, Cores, clean_environment, command_of

OCCUPANCY = "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n"
ROW = "buckets,0,0x1000,1,8,3,0,5,0,chains\n"
MOST = 1 << 17  # bytes of a file or disk that is full soon

# Draws as hmap-plot does, but gets a signal when the picture's file has been opened.
INTERRUPTED = """\
import os, signal, sys
from hmapdbg.replot import picture, script

def draw(*_, **__):
    os.kill(os.getpid(), int(os.environ["SIGNAL"]))
    signal.pause()

picture.plot.draw = draw
script.run()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is full soon."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MOST}", "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # The limit on the size of files, tested below, is there for everybody.
        pytest.skip(f"cannot mount a disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(small_disk: Path, cores: Cores) -> None:
    out = small_disk / "out"
    done = limits.run(
        command_of("--no-plots", cores.program, cores.evening, output=out),
        env=clean_environment(),
        capture_output=True,
    )
    assert_told(done, out, "no space left on device")


def test_limit_on_the_size_of_files(cores: Cores, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = limits.run(
        command_of("--no-plots", cores.program, cores.evening, output=out),
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST)),
        env=clean_environment(),
        capture_output=True,
    )
    assert_told(done, out, "file too large")


def assert_told(done: subprocess.CompletedProcess[str], out: Path, why: str) -> None:
    """The reason is told in lines, and each file that there is is whole."""
    assert done.returncode == 2, done
    assert "Traceback" not in done.stdout + done.stderr
    assert why in (done.stdout + done.stderr).lower(), done
    assert [path for path in out.rglob("*") if path.name.startswith(".")] == []
    for path in out.rglob("*.csv"):
        assert path.read_text(encoding="utf-8").endswith("\n"), path


def test_summary_that_cannot_be_written(cores: Cores, tmp_path: Path) -> None:
    (tmp_path / "out" / "summary.csv").mkdir(parents=True)
    options = ("--no-entries", "--no-plots", "--map", "server.cache")
    done = limits.run(
        command_of(*options, cores.program, cores.evening, output=tmp_path / "out"),
        env=clean_environment(),
        capture_output=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("hmap-cores: cannot write '") and done.stderr.count("\n") == 1


def test_output_folder_that_is_read_only(cores: Cores) -> None:
    # No rights help there, not even root's.
    done = limits.run(
        command_of(cores.program, cores.evening, output=Path("/proc/hmap-cores")),
        env=clean_environment(),
        capture_output=True,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("hmap-cores: cannot write to '/proc/hmap-cores': ")
    assert done.stderr.endswith(": choose another -o\n") and done.stderr.count("\n") == 1


def take_signals() -> None:
    """A shell starts background jobs with interrupts ignored."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


def plot_arguments(folder: Path, output: str) -> list[str]:
    (folder / "o.csv").write_text(OCCUPANCY + ROW)
    return [str(folder / "o.csv"), "-o", output]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_hmap_plot_that_is_ended_leaves_the_former_picture(
    number: signal.Signals, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "p.png").write_text("former")
    done = limits.run(
        [sys.executable, "-c", INTERRUPTED, *plot_arguments(tmp_path, f"{folder}/p.png")],
        env={**clean_environment(), "PYTHONPATH": str(ROOT / "gdb"), "SIGNAL": str(int(number))},
        before=take_signals,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert os.listdir(folder) == ["p.png"] and (folder / "p.png").read_text() == "former"


def test_hmap_plot_on_a_full_disk(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "hmap-plot"
    (tmp_path / "full.png").symlink_to("/dev/full")
    for output in ("/proc/p.png", f"{tmp_path}/full.png"):
        done = limits.run(
            [script, *plot_arguments(tmp_path, output)],
            env=clean_environment(),
            capture_output=True,
        )
        assert done.returncode == 2
        assert done.stderr.startswith(f"hmap-plot: cannot write '{output}': "), done.stderr
        assert done.stderr.count("\n") == 1
