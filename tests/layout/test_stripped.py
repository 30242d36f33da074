"""Stripped programs and cores with a layout file give the same as with debug info."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness import Fails, gdb_session
from hmapdbg.target.layout_file import LayoutFile
from matrix import ROOT, run
from stripped import Specimen, assert_same_view, take
from tool import run_layout

SERVICE = ROOT / "build/dev/fixtures/c/service"
MAPS = ("sessions", "cache", "connections", "rate_limits", "prices", "subscriptions")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Specimen:
    folder = tmp_path_factory.mktemp("service")
    return take(SERVICE, [folder], "fixture_stop", folder)


def test_core_of_a_stripped_c_program_reads_as_with_debug_info(
    service: Specimen, tmp_path: Path
) -> None:
    names = [f"server.{name}" for name in MAPS]
    assert_same_view(service, [*names, "*fixture_map", "hmap_registry.first"], tmp_path)


def test_core_of_a_stripped_cpp_program_reads_as_with_debug_info(tmp_path: Path) -> None:
    exe = ROOT / "build/dev/fixtures/cpp/states_cpp"
    taken = take(exe, [tmp_path], "fixture_stop", tmp_path)
    file = LayoutFile(str(taken.layout))
    maps = [
        name
        for name in file.global_names
        if name not in ("million", "hmap_registry", "fixture_map")
    ]
    assert len(maps) > 30
    assert_same_view(taken, maps, tmp_path, same_names=False)


def test_finding_and_naming_by_address_and_cast(service: Specimen) -> None:
    load = f"hmap-layout load {service.layout}"
    first, *others = gdb_session(
        service.stripped,
        core=service.core,
        commands=[
            load,
            "python print(hex(int.from_bytes(gdb.selected_inferior().read_memory("
            "next(p for _, p in __import__('hmapdbg.target.opening', fromlist=['x'])"
            ".layout_files().all_loaded()).variable('fixture_map')[0], 8), 'little')))",
        ],
    )
    address = others[0].output.strip()
    assert "4 variables of" in first.output
    outcomes = gdb_session(
        service.stripped,
        core=service.core,
        commands=[
            load,
            f"hmap-check (struct hmap *) {address}",
            f"hmap-check --type 'struct hmap' {address}",
            "hmap-check fixture_map",
            f"set $map = {address}",
            "hmap-check (const struct hmap*)$map",
            "hmap-find server.sessions -- 12",
            "hmap-layout struct hmap",
            "hmap-layout info",
            'print $hmap_len("server.cache")',
        ],
    )
    assert outcomes[9].output == "$1 = 4800\n"
    checks = {outcomes[index].output for index in (1, 2, 3, 5)}
    assert len(checks) == 1 and "consistent" in checks.pop()
    assert "(by its hash" in outcomes[6].output  # the function's name is in the layout file
    table = run_layout(service.exe, "struct hmap")
    assert outcomes[7].output == table.replace("debug info", "layout file")
    assert "fixture_map" in outcomes[8].output and ", moved by 0x" in outcomes[8].output


def test_a_stripped_process_is_read_too(service: Specimen, tmp_path: Path) -> None:
    outcomes = gdb_session(
        service.stripped,
        [str(tmp_path)],
        commands=[
            f"hmap-layout load {service.layout}",
            "run",
            "hmap-check server.sessions",
            "kill",
        ],
        env={"FIXTURE_ABORT": "1"},
    )
    assert "SIGABRT" in outcomes[1].output
    assert outcomes[2].output.startswith("consistent: ")


def test_the_file_beside_the_program_is_loaded_by_itself(service: Specimen, tmp_path: Path) -> None:
    program, layout = tmp_path / "service", tmp_path / "service.layout.json"
    shutil.copy(service.stripped, program)
    shutil.copy(service.layout, layout)
    checked, told, _, _ = gdb_session(
        program,
        core=service.core,
        commands=[
            "hmap-check server.sessions",
            "hmap-layout info",
            "hmap-layout forget",
            Fails("hmap-check server.sessions"),
        ],
    )
    assert checked.output.startswith("consistent: ")
    assert told.output.startswith(f"{layout}: of '{program}', moved by 0x")


def test_list_of_maps_is_as_with_debug_info(service: Specimen, tmp_path: Path) -> None:
    listings = []
    for exe, load in (
        (service.exe, []),
        (service.stripped, [f"hmap-layout load {service.layout}"]),
    ):
        path = tmp_path / exe.name
        gdb_session(exe, core=service.core, commands=[*load, f"hmap-list --json {path}"])
        rows = json.loads(path.read_text(encoding="utf-8"))["maps"]
        # Only line numbers say where a map was made; two variables lead to the sessions.
        kept = [{k: row[k] for k in row if k not in ("created_at", "path")} for row in rows]
        listings.append(kept)
    assert len(listings[0]) == len(MAPS)
    assert listings[0] == listings[1]


def test_what_cannot_be_said_is_told_in_one_line(service: Specimen) -> None:
    cases = {
        "nosuch": "no symbol 'nosuch' in the program or its layout file",
        "server.nosuch": "'struct server' has no field 'nosuch'",
        "server.sessions +": "at '+' without debug info",
        "server.sessions[": "has an open bracket or quote",
        "*server": "dereferences a non-pointer",
        "&1": "the address of a computed value",
        "(struct nosuch *) 1": "no type 'struct nosuch'",
        "(int64_t) 1": "is not a map",
        "(struct hmap *) $nosuch": "no value here",
        "(struct hmap *) 1": "cannot read the map",
        "server.sessions = 0": "would change the program",
        "((((": "has an open bracket or quote",
        "*" * 200 + "server": "without debug info",
    }
    commands = [
        f"hmap-layout load {service.layout}",
        *(Fails(f"hmap-check {one}") for one in cases),
    ]
    outcomes = gdb_session(service.stripped, core=service.core, commands=commands)
    for outcome, text in zip(outcomes[1:], cases.values(), strict=True):
        assert outcome.error is not None and text in outcome.error, outcome
        assert "\n" not in outcome.error


def test_a_file_of_another_program_is_refused_also_by_force(
    service: Specimen, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    run_layout(ROOT / "build/dev/fixtures/c/states", "--json", other)
    outcomes = gdb_session(
        service.stripped,
        core=service.core,
        commands=[
            Fails(f"hmap-layout load {other}"),
            "hmap-layout info",
            Fails(f"hmap-layout load {other} --force"),
            "hmap-layout info",
            "hmap-layout forget",
            Fails(f"hmap-layout forget {other}"),
            Fails("hmap-layout load /nonexistent/file.json"),
            Fails(f"hmap-layout load {SERVICE}"),
            Fails("hmap-layout server.sessions --force"),
            Fails("hmap-check server.sessions"),
        ],
    )
    refused, nothing, forced, still, forgotten, gone, missing, binary, misplaced, _ = outcomes
    assert "is of another build of 'states': GNU build id " in str(refused.error)
    assert nothing.output.startswith("no layout file is loaded")
    assert "does not fit '" in str(forced.error) and " bytes, in '" in str(forced.error)
    assert still.output == nothing.output
    assert forgotten.output == "0 layout files forgotten\n"
    assert "is loaded: see 'hmap-layout info'" in str(gone.error)
    assert str(missing.error).startswith("cannot open '/nonexistent/file.json'")
    assert "it is not JSON" in str(binary.error)
    assert "goes with 'load'" in str(misplaced.error)
    for outcome in outcomes:
        assert "\n" not in str(outcome.error)


def test_a_file_of_a_rebuild_is_taken(tmp_path: Path) -> None:
    """Code does not depend on -g; where it differs, only force takes the file."""
    from matrix import Row

    built = []
    for name, options in (("exe", "-s"), ("twin", "-g")):
        (tmp_path / name).mkdir()
        row = Row(name, f"gcc -O2 {options} -Wl,--build-id=0x{name.encode().hex()}")
        built.append(row.build(tmp_path / name))
    exe, twin = built
    layout = tmp_path / "layout.json"
    run_layout(twin, "--json", layout)
    changed = tmp_path / "changed.json"
    document = json.loads(layout.read_text("utf-8"))
    for one in document["sections"]:
        if one["name"] == ".text":
            one["crc32"] = "0x1"
    changed.write_text(json.dumps(document), "utf-8")
    outcomes = gdb_session(
        exe,
        commands=[
            f"hmap-layout load {layout}",
            "hmap-layout info",
            "hmap-layout forget",
            Fails(f"hmap-layout load {changed}"),
            f"hmap-layout load {changed} --force",
        ],
    )
    assert outcomes[0].output.endswith(", of a rebuild whose sections agree\n")
    assert ", of a rebuild whose sections agree\n" in outcomes[1].output
    refusal = str(outcomes[3].error)
    assert ".text differs: recreate it from the same build, or use --force" in refusal
    assert outcomes[4].output.endswith(", by force: nothing shows that it fits\n")


def test_file_names_are_completed() -> None:
    (outcome,) = gdb_session(commands=["complete hmap-layout load /etc/passw"])
    assert "hmap-layout load /etc/passwd\n" in outcome.output


def test_no_program_is_told(service: Specimen) -> None:
    (outcome,) = gdb_session(commands=[Fails(f"hmap-layout load {service.layout}")])
    assert outcome.error == "no program: load the executable with 'file PROGRAM' first"


def test_a_program_without_build_id_is_known_by_its_text(tmp_path: Path) -> None:
    from matrix import Row

    row = Row("no build id", "gcc -g -Wl,--build-id=none")
    exe = row.build(tmp_path)
    layout = tmp_path / "layout.json"
    run_layout(exe, "--json", layout)
    assert LayoutFile(str(layout)).identity_kind == "text"
    run(["strip", str(exe)], tmp_path)
    other = Row("other", "gcc -g -O2 -Wl,--build-id=none")
    (tmp_path / "other").mkdir()
    outcomes = gdb_session(
        exe,
        commands=[
            f"hmap-layout load {layout}",
            f"file {other.build(tmp_path / 'other')}",
            "hmap-layout info",
            Fails(f"hmap-layout load {layout}"),
        ],
    )
    assert "of no program that is here" in outcomes[2].output
    assert "hash of .text" in str(outcomes[3].error)
