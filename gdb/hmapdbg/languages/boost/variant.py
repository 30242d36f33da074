"""boost::variant: which_, and bytes for one of the alternatives. These are a pack of template
arguments, which debuggers do not hand out one by one: the name of the type of its storage, a
typedef in the variant, has them all."""

from __future__ import annotations

import re
from dataclasses import replace

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..cxx.choices import NOTHING, Choice, choice
from ..elements import Access
from ..holders import Bytes, Contents, Words

_VARIANT = re.compile(r"boost::variant<(?P<types>.*)>\s*(::storage_t)?\Z", re.DOTALL)
MAX_TYPES = 50


@dataclass(frozen=True)
class Variant:
    """A variant; see holders.Holder. `names`: of the alternatives. A number of theirs less than 0
    says that the value is elsewhere, while it is assigned to."""

    size: int
    type: Type
    tag: Field
    storage: Field
    names: tuple[str, ...]

    access = Access.ASSERTION
    nothing = NOTHING

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return self._choice(target).open(target, raw, addrs)

    def _choice(self, target: Target) -> Choice:
        fields: list[Field | None] = []
        for name in self.names:
            found = target.lookup_type(name)
            fits = found is not None and 0 < found.size <= self.storage.type.size
            fields.append(Field("", self.storage.offset, found) if found and fits else None)
        made = choice(self.type, self.access, 0, self.tag, tuple(fields))
        # The tag and the storage lie in it: see recognise.
        return made or Choice(self.size, self.access, self.tag, (None,))


def recognise(found: Type) -> Variant | None:
    """A struct as a variant; None for any other type."""
    own = {one.name for one in found.fields if not one.base}
    if own != {"which_", "storage_"}:
        return None
    tag, storage = found.find("which_"), found.find("storage_")
    assert tag is not None and storage is not None  # it has both
    if tag.type.kind is not Kind.INTEGER or tag.type.size not in (1, 2, 4, 8):
        return None
    for name in (storage.type.name, found.name, found.origin.name if found.origin else ""):
        matched = _VARIANT.search(name)
        if matched is not None:
            names = split_arguments(matched["types"])[:MAX_TYPES]
            unsigned = replace(tag, type=replace(tag.type, signed=False))
            return Variant(found.size, found, unsigned, storage, tuple(names))
    return None


def split_arguments(text: str) -> list[str]:
    """The template arguments in a list of them.

    >>> split_arguments("int, std::pair<int, char>")
    ['int', 'std::pair<int, char>']
    """
    out, depth = [""], 0
    for letter in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            out.append("")
        else:
            out[-1] += letter
    return [one.strip() for one in out]
