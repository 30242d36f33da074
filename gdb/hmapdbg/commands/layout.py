"""hmap-layout: the offsets in use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING


from ..arguments import Arguments, Option, UsageError
from ..output.files import STANDARD_OUTPUT, Outputs
from ..terminal import write
from .command import TYPE, HmapCommand

if TYPE_CHECKING:
    from ..layout import StructLayout
    from ..target.layout_files import Loaded, Placed

FORCE = Option("--force")


class Layout(HmapCommand):
    """Show the struct layouts used to read a map, and the source of each number.

    Usage: hmap-layout EXPR [--json FILE]
           hmap-layout TYPE
           hmap-layout load FILE [--force]
           hmap-layout info
           hmap-layout forget [FILE]

    For a map EXPR, shows the structs that its family reads. TYPE is any struct, for example "struct
    hmap". Prints a line per field: offset, size, type and name, source.

    A stripped program has no layouts. The program hmap-layout(1) writes them to a file before
    'strip'; 'load' uses that file for the stripped program and its cores. All commands then work:
    name maps by variables, with fields, [N], * and & and casts, or by --type TYPE ADDRESS. The file
    of another build is refused, except of a rebuild whose sections and values agree. A file of the
    name PROGRAM.layout.json beside the program is loaded by itself. 'info' lists the loaded files,
    'forget' drops one or all. (For a variable named 'info', write '(info)'.)

      --json FILE     write the structs as JSON; '-' is standard output
      --type TYPE     read a map of type TYPE at the address EXPR
      --force         use the file of another build: each section is matched with its namesake, and
                      the file is refused if their sizes or values differ
      -h, --help      show this help

    Example:
      (gdb) hmap-layout sessions
      (gdb) hmap-layout load server.layout.json"""

    name = "hmap-layout"
    summary = "the offsets in use, a line per field, with their source"
    options = (Option("--json", "FILE", repeatable=True), TYPE, FORCE)
    file_words = ("load", "forget")

    def run(self, arguments: Arguments) -> None:
        verb, _, rest = arguments.expression.partition(" ")
        if verb == "load" and _is_file(rest):
            self._load(rest.strip(), FORCE.name in arguments)
        elif verb == "forget" and (not rest or _is_file(rest)):
            self._forget(rest.strip())
        elif arguments.expression == "info":
            self._info()
        elif FORCE.name in arguments:
            raise UsageError("option '--force' goes with 'load': hmap-layout load FILE --force")
        else:
            self._show(arguments)

    def _show(self, arguments: Arguments) -> None:
        from .. import json
        from ..layout import struct_layout
        from ..target.opening import open_target
        from ..text import layout_lines

        if not arguments.expression:
            raise UsageError(
                "no map named: give an expression or a type, as in 'hmap-layout my_map'"
            )
        target = open_target()
        struct = None
        if TYPE.name not in arguments:
            name = arguments.expression
            # gdb knows Go's hash<int,int> only as a struct.
            struct = target.lookup_type(name) or target.lookup_type(f"struct {name}")
        if struct is not None and struct.fields:
            names = [field.name for field in struct.iter_fields()]
            layouts = [struct_layout(struct, names)]
        else:
            _, opened = self.open_map(arguments)
            layouts = list(opened.layouts())
        if target.is_go:
            layouts = [_in_go(one) for one in layouts]
        with Outputs(expand_user=True) as outputs:
            for path in arguments.all("--json"):
                outputs.open(path).write(json.layouts(layouts))
            outputs.commit()
        if STANDARD_OUTPUT not in arguments.all("--json"):
            write("".join(f"{line}\n" for line in layout_lines(layouts)))

    def _load(self, path: str, force: bool) -> None:
        from ..target.opening import layout_files
        from ..text import printable

        files = layout_files()
        placed = files.load(_unquoted(path), force)
        file = placed.file
        loaded = next(one for one, _ in files.all_loaded() if one.file is file)
        how = _how(loaded, placed)
        variables = len(file.global_names)
        write(
            printable(
                f"{file.type_count:,} types and {variables:,} "
                f"{'variable' if variables == 1 else 'variables'} of '{placed.program}'{how}"
            )
            + "\n"
        )

    def _forget(self, path: str) -> None:
        from ..target.opening import layout_files

        count = layout_files().forget(_unquoted(path))
        write(f"{count} layout {'file' if count == 1 else 'files'} forgotten\n")

    def _info(self) -> None:
        from ..target.opening import layout_files
        from ..text import printable

        found = layout_files().all_loaded()
        for loaded, placed in found:
            lines = [f"{loaded.file.path}: of no program that is here: not in use"]
            if loaded.refusal:
                lines = [loaded.refusal]
            if placed is not None:
                moved = f", moved by 0x{placed.bias:x}" if placed.bias else ""
                lines = [f"{loaded.file.path}: of '{placed.program}'{moved}{_how(loaded, placed)}"]
                lines += [f"  {name}" for name in loaded.file.global_names]
            write("".join(f"{printable(line)}\n" for line in lines))
        if not found:
            write("no layout file is loaded: 'hmap-layout load FILE'\n")


def _how(loaded: Loaded, placed: Placed) -> str:
    """How a file of another build was found to fit."""
    if not placed.is_rebuild:
        return ""
    if loaded.fit(placed.program).is_exact:
        agree = "sections and values" if placed.has_values else "sections"
        return f", of a rebuild whose {agree} agree"
    if placed.has_values:
        return ", by force: of a rebuild whose values agree"
    return ", by force: nothing shows that it fits"


def _in_go(struct: StructLayout) -> StructLayout:
    """The names of types as Go's users know them."""
    from ..languages.go import go_name

    members = [
        replace(member, type=member.type.renamed(go_name(member.type.name)))
        for member in struct.members
    ]
    return replace(struct, name=go_name(struct.name), members=tuple(members))


def _is_file(text: str) -> bool:
    """Whether what stands behind a verb can be a file: 'load -> next' is an expression."""
    return bool(text.strip()) and not text.lstrip().startswith(("->", "=", "["))


def _unquoted(path: str) -> str:
    """A path that may stand in quotes."""
    quoted = len(path) > 1 and path[0] == path[-1] and path[0] in "'\""
    return path[1:-1] if quoted else path
