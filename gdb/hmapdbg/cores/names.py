"""File names out of names that anybody chose."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST = 60  # letters of a name
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_UNSAFE_IN_FOLDER = re.compile(r"[^A-Za-z0-9_.-]+")


class Names:
    """Hands out names for files, no two alike, also where upper and lower case are one."""

    def __init__(self, taken: Iterable[str] = (), dots: bool = False) -> None:
        self._taken = {name.lower() for name in taken}
        self._unsafe = _UNSAFE_IN_FOLDER if dots else _UNSAFE

    def take(self, text: str, fallback: str) -> str:
        """A name made of `text`.

        >>> names = Names()
        >>> names.take("server->sessions[0]", "map"), names.take("server.sessions(0)", "map")
        ('server-sessions_0', 'server_sessions_0')
        >>> names.take("../../etc", "map"), names.take("", "map"), names.take("?", "map")
        ('etc', 'map', 'map-2')
        """
        stem = self._unsafe.sub("_", text.replace("->", "-"))[:MOST].strip("_.-") or fallback
        name, count = stem, 1
        while name.lower() in self._taken:
            count += 1
            name = f"{stem}-{count}"
        self._taken.add(name.lower())
        return name
