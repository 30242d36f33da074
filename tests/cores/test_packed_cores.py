"""Compressed cores: taken as they are, unpacked sparsely for as long as they are looked at."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import resource
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import limits
from hmapdbg.cores.match import Unusable
from hmapdbg.cores.packed import CHUNK, PACKINGS, packing_by
from hmapdbg.cores.unpack import PAGE, Bounds, unpack, write_sparsely
from limits import WALL_SECONDS
from rig import INTERRUPTING, Cores, clean_environment, command_of, fake_gdb, hmap_cores, started

QUICK = ("--no-entries", "--no-plots", "--map", "server.cache")
PLENTY = Bounds(1 << 40, WALL_SECONDS, lambda: False)


def by_tool(*command: str) -> Callable[[bytes], bytes]:
    return lambda data: subprocess.run(command, input=data, capture_output=True, check=True).stdout


# As systemd-coredump names them, and others.
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zst": by_tool("zstd", "-qc", "-1"),
    "lz4": by_tool("lz4", "-qc", "-1"),
    "xz": lambda data: lzma.compress(data, preset=0),
    "gz": lambda data: gzip.compress(data, 1),
    "bz2": lambda data: bz2.compress(data, 1),
}


@pytest.fixture(scope="module")
def packed(cores: Cores, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same core, compressed in each way."""
    folder = tmp_path_factory.mktemp("packed")
    data = cores.evening.read_bytes()
    found = {}
    for suffix, pack in PACKERS.items():
        found[suffix] = folder / f"core.service.{suffix}"
        found[suffix].write_bytes(pack(data))
        # The time of a core is that of its file.
        os.utime(found[suffix], (1_600_000_000, 1_600_000_000))
    return found


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_core_is_taken_as_it_is(
    suffix: str, packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = packed[suffix]
    run = hmap_cores(*QUICK, cores.program, given, output=out)
    assert run.status == 0, run
    note = r"unpacked 1\d\.\d MiB, 1\d\.\d MiB on disk"
    assert re.match(rf"{re.escape(str(given))}: 1 map; {note}\n", run.output), run
    (row,) = run.rows
    assert (row["core"], row["folder"]) == (str(given), given.name)
    assert re.fullmatch(note, row["notes"])
    assert os.listdir(out / given.name) and sorted(os.listdir(out)) == [given.name, "summary.csv"]
    document = json.loads((out / given.name / "core.json").read_text())
    assert document["core"] == str(given)
    occupancy = (out / given.name / "server_cache.csv").read_text()
    assert occupancy == (cores.truth / "cache" / "occupancy.csv").read_text()


def test_compression_is_told_by_the_first_bytes(
    packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    os.link(packed["zst"], tmp_path / "core.4711")
    os.link(cores.evening, tmp_path / "core.zst")
    given = (tmp_path / "core.4711", tmp_path / "core.zst")
    run = hmap_cores(*QUICK, cores.program, *given, output=tmp_path / "out")
    assert run.status == 0, run
    (packed_row,), (plain_row,) = run.of("core.4711"), run.of("core.zst")
    assert packed_row["notes"].startswith("unpacked ") and plain_row["notes"] == ""


# ---- what cannot be unpacked


@pytest.mark.parametrize("suffix", PACKERS)
def test_damaged_file_is_one_line_and_stops_nothing(
    suffix: str, packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    data = packed[suffix].read_bytes()
    half = len(data) // 2
    (tmp_path / "cut").write_bytes(data[:half])
    (tmp_path / "cut-in-head").write_bytes(data[:6])
    (tmp_path / "changed").write_bytes(data[:half] + bytes(64) + data[half + 64 :])
    given = [tmp_path / name for name in ("cut", "cut-in-head", "changed")]
    run = hmap_cores(*QUICK, cores.program, *given, packed[suffix], output=tmp_path / "out")
    assert run.status == 2
    name = next(one.name for one in PACKINGS if data.startswith(one.magic))
    for one in given:
        detail = run.detail_of(one.name)
        damaged = rf"compressed by {name}, and damaged \('.+'\): copy the whole file again"
        assert re.fullmatch(damaged, detail), detail
    assert [row["status"] for row in run.of(packed[suffix].name)] == ["ok"]
    assert sorted(os.listdir(tmp_path / "out")) == [packed[suffix].name, "summary.csv"]


def test_core_that_was_cut_before_it_was_compressed(cores: Cores, tmp_path: Path) -> None:
    whole = cores.evening.read_bytes()
    (tmp_path / "core.gz").write_bytes(gzip.compress(whole[: len(whole) // 2], 1))
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "tar.gz").write_bytes(gzip.compress(b"core.4711\0" + bytes(1000)))
    given = [tmp_path / name for name in ("core.gz", "empty.gz", "tar.gz")]
    run = hmap_cores(*QUICK, cores.program, *given, output=tmp_path / "out")
    assert run.status == 2
    assert run.detail_of("core.gz").startswith("truncated: ")
    assert run.detail_of("empty.gz").startswith("an empty file: ")
    assert run.detail_of("tar.gz").startswith("unpacked by gzip: no core: no ELF file: ")


def test_limit_of_size(packed: dict[str, Path], cores: Cores, tmp_path: Path) -> None:
    given = (packed["zst"], packed["xz"], cores.evening)
    options = (*QUICK, "--max-unpacked", "5M")
    run = hmap_cores(*options, cores.program, *given, output=tmp_path / "out")
    assert run.status == 2
    for path in given[:2]:
        detail = "larger than 5.0 MiB when unpacked: raise --max-unpacked"
        assert run.detail_of(path.name) == detail
    assert [row["status"] for row in run.of("evening")] == ["ok"]
    assert sorted(os.listdir(tmp_path / "out")) == ["evening", "summary.csv"]


def test_limit_of_time(packed: dict[str, Path], tmp_path: Path) -> None:
    for suffix in ("zst", "gz"):
        packing = packing_by(packed[suffix].read_bytes()[:8])
        assert packing is not None
        with pytest.raises(Unusable, match=r"^timed out after 0 s, .* of it unpacked: raise"):
            unpack(str(packed[suffix]), packing, str(tmp_path / suffix), Bounds(1 << 40, 0, bool))


def test_disk_is_not_filled(
    packed: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = os.statvfs(tmp_path)
    # All of it is to be left to others.
    monkeypatch.setattr("hmapdbg.cores.unpack.RESERVE", disk.f_blocks * disk.f_frsize)
    packing = packing_by(packed["gz"].read_bytes()[:8])
    assert packing is not None
    with pytest.raises(Unusable, match=r"^no room on the disk of the output after 0 bytes: "):
        unpack(str(packed["gz"]), packing, str(tmp_path / "core"), PLENTY)


def test_limit_on_the_size_of_files(packed: dict[str, Path], cores: Cores, tmp_path: Path) -> None:
    done = limits.run(
        command_of(*QUICK, cores.program, packed["xz"], output=tmp_path / "out"),
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 22, 1 << 22)),
        env=clean_environment(),
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert f"{packed['xz']}: compressed by xz, and cannot be unpacked: file too large: " in (
        done.stdout
    )
    assert os.listdir(tmp_path / "out") == ["summary.csv"]


@pytest.mark.parametrize("suffix", ["zst", "lz4"])
def test_tool_that_is_missing(
    suffix: str, packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    tool = {"zst": "zstd", "lz4": "lz4"}[suffix]
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gdb", "python3", "env"):
        found = shutil.which(name, path="/usr/bin:/bin")
        assert found is not None
        (folder / name).symlink_to(found)
    run = hmap_cores(
        *QUICK,
        cores.program,
        packed[suffix],
        packed["gz"],
        output=tmp_path / "out",
        environment={"PATH": str(folder)},
    )
    assert run.status == 2
    assert run.detail_of(packed[suffix].name) == (
        f"compressed by {tool}, and there is no '{tool}' here: install it"
    )
    assert [row["status"] for row in run.of(packed["gz"].name)] == ["ok"]


def test_tool_that_is_killed(packed: dict[str, Path], cores: Cores, tmp_path: Path) -> None:
    environment = fake_gdb(tmp_path / "bin", "exit 1")
    (tmp_path / "bin" / "zstd").write_text("#!/bin/sh\nkill -KILL $$\n")
    (tmp_path / "bin" / "zstd").chmod(0o755)
    out = tmp_path / "out"
    run = hmap_cores(cores.program, packed["zst"], output=out, environment=environment)
    assert run.status == 2
    assert run.detail_of(packed["zst"].name) == (
        "compressed by zstd, and damaged ('zstd was killed by SIGKILL'): copy the whole file again"
    )


# ---- what is unpacked


def holes_and_data() -> Iterator[tuple[str, bytes]]:
    page = bytes(range(1, 255)).ljust(PAGE, b"\1")
    yield "all zeros", bytes(3 * CHUNK)
    yield "ends in the middle of a page", page + bytes(5 * PAGE) + b"\1" * 10
    yield "ends with zeros in the middle of a page", page + bytes(5 * PAGE + 10)
    yield "a byte at the end of a page", bytes(PAGE - 1) + b"\1" + bytes(PAGE)
    yield "every other page", (page + bytes(PAGE)) * 300
    yield "over the border of chunks", bytes(CHUNK - PAGE) + page * 2 + bytes(CHUNK)
    yield "one byte", b"\1"


@pytest.mark.parametrize(
    "data", [data for _, data in holes_and_data()], ids=[name for name, _ in holes_and_data()]
)
def test_pages_of_zeros_become_holes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "core"
    with open(path, "wb") as file:
        written = sum(
            write_sparsely(file, data[at : at + CHUNK], at) for at in range(0, len(data), CHUNK)
        )
        file.truncate(len(data))
    assert path.read_bytes() == data
    pages = [data[at : at + PAGE] for at in range(0, len(data), PAGE)]
    held = [page for page in pages if page.strip(b"\0")]
    assert written == sum(map(len, held))
    assert os.stat(path).st_blocks * 512 <= len(held) * PAGE


def test_core_of_mostly_zeros_takes_little_disk(packed: dict[str, Path], tmp_path: Path) -> None:
    head = b"\x7fELF".ljust(PAGE, b"\1")
    with open(tmp_path / "core.gz", "wb") as file, gzip.open(file, "wb", 1) as stream:
        stream.write(head)
        for _ in range(256):
            stream.write(bytes(CHUNK))
    os.utime(tmp_path / "core.gz", (1_600_000_000, 1_600_000_000))
    packing = packing_by(b"\x1f\x8b")
    assert packing is not None
    done = unpack(str(tmp_path / "core.gz"), packing, str(tmp_path / "core"), PLENTY)
    assert str(done) == "unpacked 256.0 MiB, 4.0 KiB on disk"
    status = os.stat(tmp_path / "core")
    assert (status.st_size, status.st_mtime) == (PAGE + 256 * CHUNK, 1_600_000_000)
    assert status.st_blocks * 512 <= 16 * PAGE


# ---- how long it is there


def test_no_more_are_unpacked_than_there_are_jobs(
    packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", tmp_path / "seen"
    environment = fake_gdb(
        tmp_path / "bin",
        f'ls -d "{out}"/.core.*/core.service.* >>"{seen}"; exit 1',
    )
    options = ("-j", "1")
    run = hmap_cores(*options, cores.program, *packed.values(), output=out, environment=environment)
    assert run.status == 2
    # Each gdb saw its own core, and no other.
    names = [os.path.basename(line) for line in seen.read_text().splitlines()]
    assert names == [path.name for path in packed.values()]


def ended_by(
    number: signal.Signals, command: list[str], environment: dict[str, str], here: Path
) -> tuple[int, str]:
    """Sends a signal when somebody has written an id to the FIFO `here`; status and messages."""
    with started(command, environment) as process:
        with open(here, encoding="ascii") as file:
            other = int(file.read())
        watch = os.pidfd_open(other)
        process.send_signal(number)
        _, messages = process.communicate(timeout=WALL_SECONDS)
    assert select.select([watch], [], [], WALL_SECONDS)[0], "it is still running"
    os.close(watch)
    return process.returncode, messages


@pytest.mark.parametrize("number", INTERRUPTING)
@pytest.mark.parametrize("place", ["gdb", "zstd"])
def test_interrupt_takes_away_what_is_unpacked(
    place: str, number: signal.Signals, packed: dict[str, Path], cores: Cores, tmp_path: Path
) -> None:
    """While gdb runs, and while it is unpacked."""
    for name in ("here", "never"):
        os.mkfifo(tmp_path / name)
    environment = fake_gdb(tmp_path / "bin", "exit 1")
    waits = f'echo $$ >"{tmp_path}/here"; read line <"{tmp_path}/never"'
    (tmp_path / "bin" / place).write_text(f"#!/bin/sh\n{waits}\n")
    (tmp_path / "bin" / place).chmod(0o755)
    out = tmp_path / "out"
    command = command_of(cores.program, packed["zst"], output=out)
    status, messages = ended_by(number, command, environment, tmp_path / "here")
    assert (status, messages) == (130, "hmap-cores: interrupted; no summary was written\n")
    assert os.listdir(out) == []
