"""Which column of a file holds which field, told by its header.

Case, diacritics and punctuation do not count, nor does a number at the end
(``Telefon 2``). A header that says nothing known becomes a custom field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field

from outreach.domain.lead_aliases import ALIASES, EITHER, HINTS, OTHER_HINTS
from outreach.domain.lead_file import MissingColumns
from outreach.domain.template import LEAD_FIELDS

__all__ = ["FIELDS", "IGNORED", "REPEATED", "Columns", "field_of", "folded"]

FIELDS: Final = LEAD_FIELDS | {"first_name", "last_name"}
"""What a column can hold; the last two make up a contact's name."""
REPEATED: Final = frozenset({"phone", "email", "tags"})
"""Fields that take the values of all their columns, not only the first."""
IGNORED: Final = frozenset(
    {"rejectedrow", "rejectedcolumn", "rejectedvalue", "rejectedreason"},
)
"""Columns of a rejects file, so that a mended one can be imported as it is."""

_NAME_LIMIT: Final = 40
_SHOWN: Final = 30
_BLOCK: Final = re.compile(r"[^\W_]+")
_DIGITS_AT_END: Final = re.compile(r"\d+$")
_POSITION: Final = re.compile(r"#(\d{1,4})")
_CONTACTS: Final = frozenset({"phone", "email"})


def folded(text: str) -> str:
    """Header without case, diacritics, punctuation and blanks.

    >>> folded("Județ / Sector"), folded("E-mail"), folded("JUDEŢ")
    ('judetsector', 'email', 'judet')
    """
    return "".join(_words(text))


def field_of(header: str) -> str | None:
    """The field a header names, or None; ``name`` and ``nume`` alone name none."""
    plain = folded(header)
    for form in (plain, _DIGITS_AT_END.sub("", plain)):
        if form in _BY_ALIAS:
            return _BY_ALIAS[form]
    words = {_DIGITS_AT_END.sub("", word) for word in _words(header)}
    if {"e", "mail"} <= words:
        words.add("email")
    hits = [name for name, hints in HINTS.items() if words & hints]
    # Two hints are none: "telefon/email" may hold either.
    return hits[0] if len(hits) == 1 and not words & OTHER_HINTS else None


@define
class Columns:
    """The plan of a table: which cells make up which field.

    Columns may be added while the table is read (JSON lines), never removed.

    Attributes:
        headers: as in the file.
        fields: field to the positions of its cells, in order.
        custom: position to the name of a custom field.
        duplicates: headers of a field that an earlier column names too.
    """

    mapping: Mapping[str, str] = field(factory=dict)
    headers: list[str] = field(factory=list, init=False)
    fields: dict[str, list[int]] = field(factory=dict, init=False)
    custom: dict[int, str] = field(factory=dict, init=False)
    duplicates: list[str] = field(factory=list, init=False)

    @classmethod
    def of(
        cls, headers: Sequence[str], mapping: Mapping[str, str] | None = None
    ) -> Columns:
        """Plan a table with these headers.

        Args:
            headers: of the first row.
            mapping: field to the header that holds it, or to ``#3`` for the third
                column; named fields are found nowhere else.

        Raises:
            MissingColumns: no phone and no address, or the mapping names a field or
                a header that is not there.
        """
        columns = cls(mapping=_placed(headers, mapping or {}))
        columns.extend(headers)
        if not _CONTACTS & columns.fields.keys():
            message = (
                f"no column with phones or e-mail addresses; the columns are "
                f"{_listed(headers)}: name one 'telefon' or 'email', or say which it "
                f"is by a mapping such as phone=HEADER"
            )
            raise MissingColumns(message)
        return columns

    def extend(self, headers: Sequence[str]) -> None:
        """Plan the columns that *headers* has beyond those already planned."""
        start = len(self.headers)
        mapped = {position: name for name, position in self._positions().items()}
        named = [field_of(header) for header in headers[start:]]
        told = {name for name in named if name} | self.fields.keys()
        told |= self.mapping.keys()
        for position, name in enumerate(named, start):
            header = headers[position]
            self.headers.append(header)
            if folded(header) in IGNORED:
                continue
            choice = mapped.get(position)
            if choice is None:
                choice = name or _either(header, told)
                choice = None if choice in self.mapping else choice
            if choice is None:
                self.custom[position] = self._custom_name(header, position)
                continue
            told.add(choice)
            if choice in self.fields:
                self.duplicates.append(header)
            self.fields.setdefault(choice, []).append(position)

    def header(self, name: str) -> str:
        """Headers of a field's columns, for people."""
        return ", ".join([self.headers[at] for at in self.fields.get(name, ())])

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Field and header, in the order of the file."""
        pairs = [(at, name) for name, ats in self.fields.items() for at in ats]
        return tuple([(name, self.headers[at]) for at, name in sorted(pairs)])

    @property
    def unknown(self) -> tuple[tuple[str, str], ...]:
        """Header and custom field, in the order of the file."""
        return tuple([(self.headers[at], name) for at, name in self.custom.items()])

    def _positions(self) -> dict[str, int]:
        return {name: int(place[1:]) - 1 for name, place in self.mapping.items()}

    def _custom_name(self, header: str, position: int) -> str:
        name = "_".join(_words(header))[:_NAME_LIMIT].strip("_") or str(position + 1)
        name = name if name[0].isalpha() else f"column_{name}"
        taken = FIELDS | set(self.custom.values())
        number = 1
        while (form := name if number == 1 else f"{name}_{number}") in taken:
            number += 1
        return form


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join([c for c in plain if not unicodedata.combining(c)])
    return _BLOCK.findall(bare)


_BY_ALIAS: Final = {
    folded(alias): name
    for name, aliases in ALIASES.items()
    for alias in [name, *aliases.split(",")]
}
_BY_EITHER: Final = {folded(header): names for header, names in EITHER.items()}


def _either(header: str, told: set[str]) -> str | None:
    """What a header of two meanings means beside the others."""
    for name in _BY_EITHER.get(folded(header), ()):
        if name == "last_name" and "first_name" not in told:
            continue
        if name not in told:
            return name
    return None


def _placed(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping with every header as a position ``#n``."""
    placed = {}
    for name, header in mapping.items():
        if name not in FIELDS:
            message = (
                f"mapping {name}={header}: there is no field {name!r}; fields are "
                f"{', '.join(sorted(FIELDS))}"
            )
            raise MissingColumns(message)
        position = _position(headers, header)
        if position is None:
            message = (
                f"mapping {name}={header}: there is no such column; the columns are "
                f"{_listed(headers)}"
            )
            raise MissingColumns(message)
        placed[name] = f"#{position + 1}"
    return placed


def _position(headers: Sequence[str], wanted: str) -> int | None:
    for same in (str, str.strip, folded):
        for position, header in enumerate(headers):
            if same(header) == same(wanted):
                return position
    match = _POSITION.fullmatch(wanted.strip())
    number = int(match[1]) if match else 0
    return number - 1 if 1 <= number <= len(headers) else None


def _listed(headers: Sequence[str]) -> str:
    shown = ", ".join([repr(header[:_NAME_LIMIT]) for header in headers[:_SHOWN]])
    more = len(headers) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
