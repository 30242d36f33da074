"""scripts/demo: six correct verdicts, and the promised pictures."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import limits
from built import fixture_program
from harness import ROOT, clean_environment

ILL = {
    "sessions": "full",
    "cache": "emptied",
    "connections": "oversized",
    "rate_limits": "skewed",
    "prices": "growing",
    "subscriptions": "pinned",
}


def demo(service: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the demo with a built service, so that it installs and builds nothing."""
    return limits.run(
        [ROOT / "scripts" / "demo", "--service", service, "-o", folder],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def test_demo_ends_with_the_right_verdict_on_each_map(build: str, folder: Path) -> None:
    service = fixture_program(build, "service")
    # Twice into one folder: it can be repeated.
    for _ in range(2 if build == "dev" else 1):
        done = demo(service, folder / "out")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
    table = done.stdout.split("demo: verdicts\n")[1]
    rows = [line.split() for line in table.splitlines() if line.endswith(".png")]
    pictures = {name: folder / "out" / "evening" / f"{name}.png" for name in ILL}
    assert rows == [[name, verdict, str(pictures[name])] for name, verdict in ILL.items()]
    for name, picture in pictures.items():
        assert picture.read_bytes().startswith(b"\x89PNG")
        for suffix in (".txt", ".csv", ".entries.csv", ".json"):
            assert os.path.getsize(picture.with_suffix(suffix)) > 0
        # The text of the verdict too.
        (verdict,) = (
            line.removeprefix("verdict").strip()
            for line in picture.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
            if line.startswith("verdict ")
        )
        assert verdict.startswith(ILL[name]) and verdict in done.stdout


def test_demo_says_where_it_fails(folder: Path) -> None:
    # gdb cannot run it.
    script = folder / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    done = demo(script, folder / "out")
    assert done.returncode == 1
    assert "demo: gdb could not take the core, see above" in done.stderr
