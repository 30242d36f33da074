"""Redis and Valkey, beyond their maps.

    sds      strings with a length before their text
    objects  robj: values of a type that they have themselves
"""

from __future__ import annotations

from ...target import Type
from ..holders import Holder
from ..language import Language
from ..strings import StringType
from . import objects, sds


class Redis(Language):
    """Redis's own structs, recognised by the names of their fields."""

    name = "Redis"

    def find_string(self, found: Type) -> StringType | None:
        return sds.find_string(found)

    def find_holder(self, found: Type) -> Holder | None:
        return objects.recognise(found)


REDIS = Redis()
