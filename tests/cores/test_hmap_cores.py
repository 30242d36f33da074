"""scripts/hmap-cores: the right line for each core, good or bad, and the right exit status."""

from __future__ import annotations

import csv
import ctypes
import json
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hmapdbg.cores.outcome import VERDICTS
from limits import WALL_SECONDS
from rig import (
    ROOT,
    Cores,
    command_of,
    fake_gdb,
    fixture_program,
    hmap_cores,
    notes_first,
    started,
    take_cores,
    without_memory,
)

ILL = {
    "sessions": "full",
    "cache": "emptied",
    "connections": "oversized",
    "rate_limits": "skewed",
    "prices": "growing",
    "subscriptions": "pinned",
}
WHOLE = "raise 'ulimit -c', or copy the whole file"
ANOTHER = "name a core that the kernel or gdb has written"
PROGRAM = "name the program that dumped it, or use --any-build"
QUICK = ("--no-entries", "--no-plots")


def header_of(cores: Cores, name: str) -> dict[str, str]:
    """The program's ground truth about a map's header."""
    with open(cores.truth / name / "header.csv", encoding="utf-8", newline="") as file:
        return {row["field"]: row["value"] for row in csv.DictReader(file)}


def same_file(source: Path, target: Path) -> Path:
    """Another name for a core, which is too large to copy."""
    os.link(source, target)
    return target


# ---- good cores ----------------------------------------------------------------------------------


def test_each_map_of_the_registry_has_its_files_and_its_row(cores: Cores, tmp_path: Path) -> None:
    run = hmap_cores(cores.program, cores.evening, output=tmp_path / "out")
    assert run.status == 0, run
    assert {row["map"]: row["verdicts"] for row in run.rows} == ILL
    folder = tmp_path / "out" / "evening"
    suffixes = ("csv", "entries.csv", "json", "png", "txt")
    names = {f"{name}.{suffix}" for name in ILL for suffix in suffixes}
    assert {path.name for path in folder.iterdir()} == names | {
        "core.json",
        "maps.json",
        "maps.txt",
    }
    for row in run.rows:
        name = row["map"]
        assert (row["status"], row["problems"], row["folder"]) == ("ok", "0", "evening")
        occupancy = (folder / f"{name}.csv").read_text()
        assert occupancy == (cores.truth / name / "occupancy.csv").read_text()
        rows = (folder / f"{name}.entries.csv").read_text().count("\n") - 1
        assert str(rows) == row["entries"] == header_of(cores, name)["count"]
        document = json.loads((folder / f"{name}.json").read_text())
        assert document["format"] == "hmap-dump/1"
        assert document["memory"]["held"] == int(row["held"])
        assert [one["name"] for one in document["verdicts"]] == [ILL[name]]
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.txt").read_text().startswith(f"{name} ")
    assert json.loads((folder / "core.json").read_text())["format"] == "hmap-cores/1"


def test_map_option_examines_those_maps_alone(cores: Cores, tmp_path: Path) -> None:
    expressions = ["server.cache", "server.prices", "server.nothing"]
    options = [word for text in expressions for word in ("--map", text)]
    run = hmap_cores(*QUICK, *options, cores.program, cores.evening, output=tmp_path / "out")
    assert run.status == 2
    first, second, third = run.rows
    assert (first["map"], first["status"], first["verdicts"]) == ("server_cache", "ok", "emptied")
    assert (second["map"], second["status"]) == ("server_prices", "ok")
    assert (third["map"], third["status"]) == ("server_nothing", "unreadable")
    assert "nothing" in third["detail"]
    assert sorted(path.name for path in (tmp_path / "out" / "evening").iterdir()) == [
        *("core.json", "server_cache.csv", "server_cache.json", "server_cache.txt"),
        *("server_prices.csv", "server_prices.json", "server_prices.txt"),
    ]


def test_most_examines_the_largest_and_says_so(cores: Cores, tmp_path: Path) -> None:
    run = hmap_cores(*QUICK, "--most", "2", cores.program, cores.evening, output=tmp_path / "out")
    assert run.status == 0
    assert {row["map"] for row in run.rows} == {"sessions", "subscriptions"}
    assert "2 maps; the 2 largest of 6 maps: '--most 0' examines all" in run.output


def test_registry_of_the_shared_library(cores: Cores, tmp_path: Path) -> None:
    program = fixture_program("wordcount")
    run = hmap_cores(*QUICK, program, cores.other, output=tmp_path / "out")
    assert run.status == 0, run
    assert [row["map"] for row in run.rows] == ["words"]


def test_maps_of_another_family_are_found_by_the_variables(tmp_path: Path) -> None:
    program, core = fixture_program("reach_cpp", "cpp"), tmp_path / "core"
    take_cores(program, [], "break fixture_stop", "run", f"generate-core-file {core}")
    run = hmap_cores(*QUICK, "--most", "3", program, core, output=tmp_path / "out")
    assert run.status == 0, run
    assert [row["status"] for row in run.rows] == ["ok", "ok", "ok"]
    listing = json.loads((tmp_path / "out" / "core" / "maps.json").read_text())
    assert {row["family"] for row in listing["maps"]} >= {
        "std::unordered_map",
        "std::unordered_set",
    }
    held = [row["held"] for row in listing["maps"]]
    assert held == sorted(held, reverse=True)
    assert [int(row["held"]) for row in run.rows] == held[:3]


# ---- bad cores -----------------------------------------------------------------------------------


def test_each_kind_of_bad_core_is_one_line_and_stops_nothing(cores: Cores, tmp_path: Path) -> None:
    folder = tmp_path / "crashes"
    folder.mkdir()
    evening = cores.evening.read_bytes()
    same_file(cores.evening, folder / "a.good")
    same_file(cores.evening, folder / "z.good")
    same_file(cores.early, folder / "no-maps")
    same_file(cores.other, folder / "other-program")
    same_file(cores.program, folder / "program")
    same_file(cores.filtered, folder / "filtered")
    (folder / "cut").write_bytes(evening[: len(evening) // 2])
    (folder / "cut-in-headers").write_bytes(evening[:100])
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("core.4711 was too large to keep\n")
    (folder / "packed").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    (folder / "binary").write_bytes(bytes(range(256)))
    header = int(header_of(cores, "sessions")["address"], 16)
    (folder / "no-heap").write_bytes(without_memory(evening, header))
    os.mkfifo(folder / "fifo")

    run = hmap_cores(*QUICK, cores.program, folder, folder / "gone", output=tmp_path / "out")
    assert run.status == 2
    for name in ("a.good", "z.good"):
        assert {row["map"]: row["verdicts"] for row in run.of(name)} == ILL
        assert {row["status"] for row in run.of(name)} == {"ok"}
    expected = {
        "no-maps": r"no maps: none existed, or all had been destroyed",
        "other-program": r"of another program, 'wordcount': build id [0-9a-f]{12}…, not .*: "
        + PROGRAM,
        "program": r"not a core file: an executable or library",
        "filtered": r"the core does not hold the memory of 'hmap_registry'",
        "cut": r"truncated: .* MiB of .* MiB are there, the registers and mappings are not: "
        + WHOLE,
        "cut-in-headers": r"truncated: only 100 bytes are there: " + WHOLE,
        "empty": f"an empty file: {WHOLE}, or free disk space",
        "text": r"no core: a text file: " + ANOTHER,
        "packed": r"compressed by zstd, and damaged \('.+'\): copy the whole file again",
        "binary": r"no core: no ELF file: " + ANOTHER,
        "no-heap": r"the core does not hold the map at 0x[0-9a-f]+, after 0 maps",
        "fifo": r"not a regular file: copy what it gives into one",
        "gone": r"cannot be read: no such file or directory",
    }
    for name, detail in expected.items():
        assert re.fullmatch(detail, run.detail_of(name)), (name, run.detail_of(name))
    assert len(run.rows) == 2 * len(ILL) + len(expected)
    assert "2 of 15 cores examined, 12 maps; " in run.output
    # In the order of the command line; files of a folder sorted by name.
    order = [row["core"] for row in run.rows]
    assert order == sorted(order[:-1]) + [str(folder / "gone")]


def test_memory_of_one_map_is_missing(cores: Cores, tmp_path: Path) -> None:
    buckets = int(header_of(cores, "sessions")["buckets"], 16)
    (tmp_path / "core").write_bytes(without_memory(cores.evening.read_bytes(), buckets))
    run = hmap_cores(*QUICK, cores.program, tmp_path / "core", output=tmp_path / "out")
    assert run.status == 2
    rows = {row["map"]: row for row in run.rows}
    assert rows.keys() == ILL.keys()
    assert rows["sessions"]["status"] == "unreadable"
    assert rows["cache"]["status"] == "ok"


def test_maps_before_the_cut_of_a_truncated_core_are_examined(cores: Cores, tmp_path: Path) -> None:
    whole = notes_first(cores.evening.read_bytes())
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 6 // 10])
    arguments = (cores.program, tmp_path / "whole", tmp_path / "cut")
    run = hmap_cores(*QUICK, *arguments, output=tmp_path / "out")
    assert run.status == 2
    assert {row["status"] for row in run.of("whole")} == {"ok"}
    rows = {row["map"]: row for row in run.of("cut")}
    assert rows["cache"]["status"] == "ok"
    assert {row["status"] for row in rows.values()} == {"ok", "unreadable"}
    assert all(row["notes"].startswith("truncated: ") for row in rows.values())


def test_any_build_takes_the_core_of_another_build(cores: Cores, tmp_path: Path) -> None:
    program = tmp_path / "service"
    data = bytearray(cores.program.read_bytes())
    at = data.index(b"GNU\0", data.index(b"\3\0\0\0GNU\0") + 4) + 4
    data[at] ^= 0xFF
    program.write_bytes(data)
    run = hmap_cores(*QUICK, program, cores.evening, output=tmp_path / "out")
    assert run.status == 2
    assert run.detail_of("evening").startswith("of another build of 'service': build id ")
    run = hmap_cores(*QUICK, "--any-build", program, cores.evening, output=tmp_path / "out")
    assert run.status == 0
    assert len(run.rows) == len(ILL)


def test_bad_core_takes_away_the_folder_of_an_earlier_run(cores: Cores, tmp_path: Path) -> None:
    core, out = tmp_path / "core", tmp_path / "out"
    same_file(cores.evening, core)
    options = (*QUICK, "--map", "server.prices")
    assert hmap_cores(*options, cores.program, core, output=out).status == 0
    assert (out / "core" / "server_prices.csv").exists()
    # Another map: no file of the earlier one remains.
    other = (*QUICK, "--map", "server.cache")
    assert hmap_cores(*other, cores.program, core, output=out).status == 0
    assert sorted(path.suffix for path in (out / "core").glob("server_*")) == [
        ".csv",
        ".json",
        ".txt",
    ]
    core.unlink()
    core.write_text("")
    assert hmap_cores(*options, cores.program, core, output=out).status == 2
    assert [path.name for path in out.iterdir()] == ["summary.csv"]


# ---- exit status ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [("full", 0), ("emptied", 1), ("full,emptied", 1), ("writer-inside", 0)],
)
def test_fail_on_makes_verdicts_exit_status_1(
    verdicts: str, status: int, cores: Cores, tmp_path: Path
) -> None:
    options = (*QUICK, "--map", "server.cache", "--fail-on", verdicts)
    run = hmap_cores(*options, cores.program, cores.evening, output=tmp_path / "out")
    assert run.status == status
    assert ("emptied (--fail-on)" in run.output) == (status == 1)


def test_problem_is_exit_status_1_and_what_is_unreadable_2(tmp_path: Path) -> None:
    program, core = fixture_program("faults"), tmp_path / "core"
    commands = ("break fixture_stop", "run", f"generate-core-file {core}")
    take_cores(program, ["wrong_bucket", tmp_path / "truth"], *commands)
    run = hmap_cores(*QUICK, program, core, output=tmp_path / "out")
    assert run.status == 1
    (row,) = run.rows
    assert row["status"] == "problem" and int(row["problems"]) >= 1
    assert row["detail"].startswith("I8 0x")
    assert "problem: I8 0x" in run.output
    run = hmap_cores(*QUICK, program, core, tmp_path / "gone", output=tmp_path / "out")
    assert run.status == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required"),
        (("PROGRAM",), "the following arguments are required"),
        (("--nonsense", "PROGRAM", "CORE"), "unrecognized arguments"),
        (("--fail-on", "tired", "PROGRAM", "CORE"), "no verdict 'tired': use one of full, "),
        (("-j", "0", "PROGRAM", "CORE"), "must be at least 1"),
        (("--timeout", "soon", "PROGRAM", "CORE"), "'soon' is not a number of seconds"),
        (("--gdb", "no-such-gdb", "PROGRAM", "CORE"), "no 'no-such-gdb' here"),
        (("CORE", "CORE"), "it is a core: name the executable first"),
        (("/etc/passwd", "CORE"), "not an ELF file"),
        (("/no/such/program", "CORE"), "cannot be read: no such file or directory"),
    ],
)
def test_usage_is_exit_status_3(
    arguments: tuple[str, ...], message: str, cores: Cores, tmp_path: Path
) -> None:
    names = {"PROGRAM": str(cores.program), "CORE": str(cores.evening)}
    words = [names.get(word, word) for word in arguments]
    run = hmap_cores(*words, output=tmp_path / "out")
    assert run.status == 3
    assert run.messages.startswith("hmap-cores: ") and run.messages.count("\n") == 1
    assert message in run.messages
    assert not (tmp_path / "out").exists()


def test_folder_of_somebody_else_is_left_alone(cores: Cores, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "evening" / "letter"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("dear")
    run = hmap_cores(cores.program, cores.evening, output=tmp_path / "out")
    assert run.status == 3
    assert "is in the way and not of an earlier run: choose another -o" in run.messages
    assert theirs.read_text() == "dear"


def test_help_has_an_example_and_each_verdict() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "hmap-cores", "--help"], capture_output=True, text=True, check=True
    )
    assert "$ hmap-cores -o out/cores --fail-on skewed,pinned build/server" in done.stdout
    # Not checked by argparse: a verdict that was added to the statistics.
    source = (ROOT / "gdb" / "hmapdbg" / "geometry" / "verdicts.py").read_text(encoding="utf-8")
    known = set(re.findall(r'Verdict\(\s*"([a-z ]+)"', source)) | {"growing", "stalled"}
    assert known == set(VERDICTS)


# ---- gdb: crashes, time limit, jobs --------------------------------------------------------------


def test_gdb_that_hangs_is_one_line(cores: Cores, tmp_path: Path) -> None:
    same_file(cores.evening, tmp_path / "slow")
    os.mkfifo(tmp_path / "never")
    environment = fake_gdb(
        tmp_path / "bin",
        f'if [ "$core" = slow ]; then read line <"{tmp_path}/never"; fi; exec /usr/bin/gdb "$@"',
    )
    options = (*QUICK, "--map", "server.cache", "-j", "2", "--timeout", "20")
    cores_given = (tmp_path / "slow", cores.evening)
    # It does not wait longer for the one that hangs.
    options = (*options[:-1], "4")
    run = hmap_cores(
        *options, cores.program, *cores_given, output=tmp_path / "out", environment=environment
    )
    assert run.status == 2
    assert run.detail_of("slow") == "timed out after 4 s: see slow/gdb.log"
    assert (tmp_path / "out" / "slow" / "gdb.log").read_text().startswith("$ gdb -nx -batch ")
    assert [row["verdicts"] for row in run.of("evening")] == ["emptied"]


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ("kill -SEGV $$", "gdb was killed by SIGSEGV: see core.1/gdb.log"),
        ("echo out of luck >&2; exit 1", "gdb ended without a result: out of luck"),
        ("exit 0", "gdb ended without a result"),
        (r"printf 'a \033[2J b\n'; exit 1", r"gdb ended without a result: a \x1b[2J b"),
    ],
)
def test_gdb_that_dies_is_one_line(script: str, detail: str, cores: Cores, tmp_path: Path) -> None:
    same_file(cores.evening, tmp_path / "core.1")
    environment = fake_gdb(tmp_path / "bin", script)
    run = hmap_cores(
        cores.program, tmp_path / "core.1", output=tmp_path / "out", environment=environment
    )
    assert run.status == 2
    assert run.detail_of("core.1") == detail


def test_gdb_whose_python_lacks_numpy_says_so(cores: Cores, tmp_path: Path) -> None:
    same_file(cores.evening, tmp_path / "core.1")
    without = "python import sys; sys.modules['numpy'] = None"
    environment = fake_gdb(tmp_path / "bin", f'exec /usr/bin/gdb -iex "{without}" "$@"')
    run = hmap_cores(
        cores.program, tmp_path / "core.1", output=tmp_path / "out", environment=environment
    )
    assert run.status == 2
    detail = "cannot import 'numpy' in gdb's Python: install it, on Debian with 'apt install "
    assert run.detail_of("core.1") == f"{detail}python3-numpy'"


@pytest.mark.parametrize(("jobs", "meet"), [("2", True), ("1", False)])
def test_jobs_are_so_many_gdbs_at_a_time(
    jobs: str, meet: bool, cores: Cores, tmp_path: Path
) -> None:
    same_file(cores.evening, tmp_path / "a")
    same_file(cores.evening, tmp_path / "b")
    os.mkfifo(tmp_path / "fifo")
    # Opening one end of the FIFO waits for the other: they finish only if both run at once.
    fifo = tmp_path / "fifo"
    environment = fake_gdb(
        tmp_path / "bin", f'if [ "$core" = a ]; then : >"{fifo}"; else : <"{fifo}"; fi; echo met'
    )
    timeout = str(WALL_SECONDS) if meet else "0.2"
    options = ("-j", jobs, "--timeout", timeout)
    run = hmap_cores(
        *options,
        cores.program,
        tmp_path / "a",
        tmp_path / "b",
        output=tmp_path / "out",
        environment=environment,
    )
    expected = "gdb ended without a result: met" if meet else "timed out after 0.2 s"
    for name in "ab":
        assert run.detail_of(name).startswith(expected)


def to_any_thread(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def to_another_thread(process: subprocess.Popen[str]) -> None:
    """The kernel may deliver a process's signal to any thread; here, not to the first."""
    threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task")]
    other = next(thread for thread in threads if thread != process.pid)
    assert ctypes.CDLL(None).tgkill(process.pid, other, int(signal.SIGINT)) == 0


def to_end(process: subprocess.Popen[str]) -> None:
    process.terminate()


def to_hang_up(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("interrupt", [to_any_thread, to_another_thread, to_end, to_hang_up])
def test_interrupt_ends_gdb_and_leaves_nothing(
    interrupt: Callable[[subprocess.Popen[str]], None], cores: Cores, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "here")
    os.mkfifo(tmp_path / "never")
    environment = fake_gdb(
        tmp_path / "bin", f'echo $$ >"{tmp_path}/here"; read line <"{tmp_path}/never"'
    )
    out = tmp_path / "out"
    with started(command_of(cores.program, cores.evening, output=out), environment) as process:
        with open(tmp_path / "here", encoding="ascii") as here:
            gdb_id = int(here.read())
        # The child that replaces gdb: it exists, and later it does not.
        watch = os.pidfd_open(gdb_id)
        interrupt(process)
        output, messages = process.communicate(timeout=WALL_SECONDS)
    assert process.returncode == 130
    assert output == ""
    assert messages == "hmap-cores: interrupted; no summary was written\n"
    assert select.select([watch], [], [], WALL_SECONDS)[0], "gdb is still running"
    os.close(watch)
    assert list(out.iterdir()) == []


def test_cores_of_one_name_have_folders_of_their_own(cores: Cores, tmp_path: Path) -> None:
    for host in ("alpha", "beta"):
        (tmp_path / host).mkdir()
        same_file(cores.evening, tmp_path / host / "core")
    environment = fake_gdb(tmp_path / "bin", "exit 1")
    given = [tmp_path / host / "core" for host in ("alpha", "beta")]
    out = tmp_path / "out"
    run = hmap_cores(cores.program, *given, output=out, environment=environment)
    assert run.status == 2
    assert sorted(path.name for path in out.iterdir()) == ["alpha_core", "beta_core", "summary.csv"]
    shutil.rmtree(out)
