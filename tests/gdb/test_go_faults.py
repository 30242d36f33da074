"""Corrupt Go maps: hmap-check reports the fault by invariant and address; hmap-dump continues.

gdb plants the faults in the maps of a live program, and repairs each before the next; the
invariants are those of families/go/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from go_fixtures import STOP, expressions, has_bucket_maps, main_toolchains, on, program
from go_toolchains import Toolchain
from harness import Fails, Outcome, gdb_session
from test_bad_input import assert_clear

WILD = 0xDEAD0000000
PROBLEM = re.compile(r"([A-Z]\d+|fault) (0x[0-9a-f]+): (\S.*)")

HELPERS = "source tests/gdb/go_planting.py"


@dataclass(frozen=True)
class Fault:
    """A fault in the map `m` of a state (Python in gdb), and the invariants that hmap-check reports
    for it; if there are none, the map is refused with a one-line error."""

    name: str
    state: str
    plant: str
    named: str
    may: str = ""  # a further one that depends on the seed
    near: bool = True  # whether a reported address may be that of the struct around the write

    def __str__(self) -> str:
        return self.name


BUCKET_FAULTS = (
    Fault("count", "many", "plant(m['count'], 4999)", "I1"),
    Fault("flags_unknown", "many", "plant(m['flags'], 0x40)", "I2"),
    Fault("flags_same_size", "many", "plant(m['flags'], 8)", "I2"),
    Fault("no_buckets", "many", "plant(m['buckets'], 0)", "I1 I2 I12"),
    Fault("buckets_wild", "many", "plant(m['buckets'], WILD)", "I1 I12 fault"),
    Fault("buckets_odd", "many", "plant(m['buckets'], int(m['buckets']) + 1)", ""),
    Fault("B_huge", "many", "plant(m['B'], 60)", ""),
    Fault("B_of_one_bucket", "structs", "plant(m['B'], 1)", "H1", may="fault", near=False),
    Fault("B_zero_in_growth", "growing_half", "plant(m['B'], 0)", "I1 I2 I12", may="I13"),
    Fault("count_negative", "many", "plant(m['count'], -1)", ""),
    Fault("old_wild", "growing_half", "plant(m['oldbuckets'], WILD)", "I1 fault"),
    Fault("nevacuate_past_the_end", "growing_half", "plant(m['nevacuate'], 64)", "I2 I6"),
    Fault("mark_in_new", "many", "plant(full(m)['tophash'][1], 2)", "I1 I4"),
    Fault(
        "half_y", "same_size_half", "plant(m['oldbuckets'][old(m, True)]['tophash'][0], 3)", "I4"
    ),
    Fault("used_behind_rest", "many", "plant(full(m)['tophash'][0], 0)", "I1 I5"),
    Fault(
        "live_in_evacuated",
        "growing_half",
        "plant(m['oldbuckets'][old(m, True)]['tophash'][3], 0x77)",
        "I6",
    ),
    Fault(
        "filled_too_early",
        "growing_half",
        "plant(m['buckets'][old(m, False)]['tophash'][0], 0x77)",
        "I1 I7 I10",
    ),
    Fault("key_twice", "many", "b = full(m); plant(b['keys'][1], b['keys'][0])", "I10"),
    Fault(
        "chain_is_a_cycle",
        "many",
        "b = chained(m)['overflow'].dereference(); plant(b['overflow'], b.address)",
        "I11",
    ),
    Fault("chain_to_main", "many", "plant(full(m)['overflow'], m['buckets'])", "I11"),
    Fault("chain_odd", "many", "plant(full(m)['overflow'], int(m['buckets']) + 3)", "I11"),
    Fault(
        "chain_wild",
        "overflow_chains",
        "plant(m['buckets'][5]['overflow'], WILD)",
        "fault",
    ),
    Fault("next_overflow", "many", "plant(m['extra']['nextOverflow'], 0x1234)", "I12"),
    Fault("spare_not_zero", "many", "plant(m['extra']['nextOverflow']['tophash'][2], 9)", "I12"),
    Fault(
        "spare_in_use",
        "many",
        "plant(m['extra']['nextOverflow'], chained(m)['overflow'])",
        "I12",
        near=False,  # the pointers to it, and the bucket itself
    ),
    Fault("extra_wild", "many", "plant(m['extra'], WILD)", "fault"),
    Fault("noverflow", "many", "plant(m['noverflow'], 7)", "I13"),
    Fault(
        "elem_box_nil",
        "big_elems",
        "b = next(iter_buckets(m)); plant(b['values'][live(b)], 0)",
        "I14",
    ),
    Fault(
        "elem_box_wild",
        "big_elems",
        "b = next(iter_buckets(m)); plant(b['values'][live(b)], WILD)",
        "fault",
    ),
    Fault("sync_no_dirty", "sync_amended", "plant(m['dirty'], 0)", "Y2"),
    Fault("sync_not_amended", "sync_amended", "plant(read_only(m)['amended'], 0)", "Y2"),
    Fault("sync_dirty_wild", "sync_amended", "plant(m['dirty'], WILD)", ""),
    Fault("sync_read_wild", "sync_promoted", "plant(word(m['read']), WILD)", ""),
    Fault("sync_inner_count", "sync_promoted", "plant(read_only(m)['m']['count'], 99)", "I1"),
    Fault(
        "sync_not_in_dirty",
        "sync_expunged",
        "plant(shared_expunged(m), 0)",
        "Y1",
    ),
)

SWISS_FAULTS = (
    Fault("used", "many", "plant(m['used'], 4999)", "I1 S1"),
    Fault("used_small", "eight", "plant(m['used'], 7)", "I1"),
    Fault("no_directory", "many", "plant(m['dirPtr'], 0)", ""),
    Fault("no_group", "eight", "plant(m['dirPtr'], 0)", "I1 S2"),
    Fault("directory_wild", "many", "plant(m['dirPtr'], WILD)", ""),
    Fault("directory_odd", "many", "plant(m['dirPtr'], int(m['dirPtr']) + 1)", ""),
    Fault("directory_length_odd", "many", "plant(m['dirLen'], 7)", ""),
    Fault("directory_length_negative", "many", "plant(m['dirLen'], -8)", ""),
    Fault("directory_short", "many", "plant(m['dirLen'], 4)", "I1 S1 S2"),
    Fault("depth", "many", "plant(m['globalDepth'], 9)", "S2 S4"),
    Fault("depth_small", "eight", "plant(m['globalDepth'], 1)", "S2"),
    Fault("shift", "many", "plant(m['globalShift'], 3)", "S2"),
    Fault("capacity", "many", "plant(table(m)['capacity'], 512)", "S3 S7"),
    Fault("mask", "many", "plant(table(m)['groups']['lengthMask'], 0xabcdef)", "S3"),
    Fault("groups_nil", "many", "plant(table(m)['groups']['data'], 0)", "I1 S1 S3"),
    Fault("groups_wild", "many", "plant(table(m)['groups']['data'], WILD)", "I1 fault"),
    Fault("table_nil", "many", "plant(m['dirPtr'][2], 0)", "I1 S1 S4"),
    Fault("table_again", "many", "plant(m['dirPtr'][2], m['dirPtr'][0])", "I1 S1 S4"),
    Fault("table_wild", "many", "plant(m['dirPtr'][2], WILD)", "I1 fault"),
    Fault("local_depth", "many", "plant(table(m)['localDepth'], 1)", "S4"),
    Fault("index", "many", "plant(table(m)['index'], 5)", "S4"),
    Fault("span", "alias", "plant(m['dirPtr'][7], m['dirPtr'][0])", "S4"),
    Fault(
        "control_byte",
        "many",
        "g, s = slots_of(m, 'empty')[0]; plant(byte(group(m, g)['ctrl'], s), 0xc3)",
        "S5 S7",
    ),
    Fault("table_used", "many", "plant(table(m)['used'], 3)", "S1 S6"),
    Fault("growth_left", "many", "plant(table(m)['growthLeft'], 3)", "S7"),
    Fault(
        "no_empty_slot",
        "nine",
        "[plant(byte(group(m, g)['ctrl'], s), 5) for g, s in slots_of(m, 'empty')]",
        "I1 S6 S7 S8 S12",
    ),
    Fault(
        "deleted_in_small",
        "small_deleted",
        "plant(empty_in_small(m), 0xfe)",
        "S9",
    ),
    Fault(
        "empty_beside_deleted",
        "tombstones",
        "g, s = slots_of(m, 'deleted')[0]; plant(byte(group(m, g)['ctrl'], s), 0x80)",
        "S7 S10",
    ),
    Fault(
        "key_box_nil",
        "big_keys",
        "g, s = slots_of(m, 'full')[0]; plant(group(m, g)['slots'][s]['key'], 0)",
        "S11",
    ),
    Fault(
        "key_box_wild",
        "big_keys",
        "g, s = slots_of(m, 'full')[0]; plant(group(m, g)['slots'][s]['key'], WILD)",
        "fault",
    ),
    Fault(
        "key_twice",
        "many",
        "(a, i), (b, j) = slots_of(m, 'full')[:2];"
        " plant(group(m, b)['slots'][j]['key'], group(m, a)['slots'][i]['key'])",
        "S12",
    ),
    Fault("trie_parent", "sync_large", "plant(word(inner(m)[1]['parent']), 0x1230)", "T1"),
    Fault("trie_dead", "sync_large", "plant(byte(inner(m)[1]['dead'], 0), 1)", "T1"),
    Fault("trie_cycle", "sync_large", "p, n = inner(m); plant(p, root(m).address)", "T1 T2"),
    Fault("trie_child_wild", "sync_large", "plant(inner(m)[0], WILD)", "fault"),
    Fault("trie_root_wild", "sync_large", "plant(word(m['m']['root']), WILD)", "fault"),
)


def problems_of(outcome: Outcome) -> list[tuple[str, str]]:
    """The invariants and addresses that hmap-check reports."""
    *lines, last = (line for line in outcome.output.splitlines() if not line.startswith("note: "))
    found = []
    for line in lines:
        problem = PROBLEM.fullmatch(line)
        if problem is None:
            assert re.fullmatch(r"fault: [\d,]+ more like this: .+", line), outcome.output
            continue
        found.append((problem[1], problem[2]))
    assert re.fullmatch(r"[\d,]+ Problems?", last), outcome.output
    return found


@on(main_toolchains())
def test_each_fault_is_named_and_nothing_else(go: Toolchain, folder: Path) -> None:
    faults = BUCKET_FAULTS if has_bucket_maps(go) else SWISS_FAULTS
    known = expressions(go)
    states = list(dict.fromkeys(fault.state for fault in faults))
    commands: list[str | Fails] = [*STOP, HELPERS]
    for fault in faults:
        expression = known[fault.state]
        name, _, number = expression.removeprefix("main.").removesuffix("]").partition("[")
        kind = str if fault.named else Fails
        commands += [
            f"python m = pick({name!r}, {number or None}); {fault.plant}",
            kind(f"hmap-check {expression}"),
            kind(f"hmap-dump {expression} --entries /dev/null"),
            "python mend()",
            f"hmap-check {expression}",
        ]
    outcomes = gdb_session(program(go), [str(folder / "truth"), *states], commands=commands)
    failures = []
    for at, fault in enumerate(faults):
        begin = len(STOP) + 1 + 5 * at
        try:
            check_fault(fault, outcomes[begin : begin + 5])
        except AssertionError as failure:
            failures.append(f"fault {fault}: {failure}")
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


def check_fault(fault: Fault, outcomes: list[Outcome]) -> None:
    planted, check, dump, _, mended = outcomes
    assert mended.output.startswith("consistent: "), mended.output
    if not fault.named:
        assert_clear(check)
        assert_clear(dump)
        return
    found = problems_of(check)
    named = {number for number, _ in found} - {fault.may}
    assert sorted(named) == sorted(fault.named.split()), check.output
    if fault.near:
        places = [int(number, 16) for number in planted.output.split() if number != "planted"]
        told = {int(address, 16) for _, address in found}
        near = {address for address in told for place in places if abs(address - place) < 64}
        assert near or WILD in told, f"{planted.output}{check.output}"
    assert re.search(r"^entries +[\d,]+", dump.output, re.MULTILINE), dump.output
