"""Rows that name their own columns: mappings in memory, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Final

from attrs import define, field

from outreach.adapters.files.delimited import MOST_COLUMNS
from outreach.adapters.files.records import CUT
from outreach.domain.lead_file import NotATable, RawRow

__all__ = ["MappingRows", "json_lines"]

_LOOKED_AT_ROWS: Final = 100
_BLANK: Final = "\ufeff \t"
_NO_OBJECT: Final = "not a JSON object on one line"

_Named = tuple[int, Mapping[str, object] | str]


@define
class _Growing:
    """Cells of named values; a name never seen before is a new column."""

    columns: list[str] = field(factory=list)
    _places: dict[str, int] = field(factory=dict)

    def row(self, number: int, values: Mapping[str, object] | str) -> RawRow | None:
        """The row, or None if nothing is in it."""
        if isinstance(values, str):
            return RawRow(number, (), values)
        texts = {str(name): _text(value) for name, value in values.items()}
        for name in texts:
            if name not in self._places and len(self.columns) < MOST_COLUMNS:
                self._places[name] = len(self.columns)
                self.columns.append(name)
        if not any(map(str.strip, texts.values())):
            return None
        cells = [""] * len(self.columns)
        for name, text in texts.items():
            if name in self._places:
                cells[self._places[name]] = text
        left_out = len(texts.keys() - self._places.keys())
        problem = f"more than {MOST_COLUMNS} columns: the rest is left out"
        return RawRow(number, tuple(cells), problem if left_out else "")


@define
class MappingRows:
    """Leads from any iterable of mappings; see `outreach.ports.leads.LeadTable`.

    Columns are those of the first 100 rows, and grow as others come. Rows are
    numbered from 1. Lists become values joined by commas.
    """

    _rows: Iterator[RawRow]
    _growing: _Growing
    notes: tuple[str, ...] = ()
    delimiter: str = ";"

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, object]]) -> MappingRows:
        """Look at the first rows."""
        return cls.numbered(enumerate(rows, 1))

    @classmethod
    def numbered(cls, rows: Iterator[_Named]) -> MappingRows:
        """Likewise, with numbers, and with a problem in place of a broken row."""
        growing = _Growing()
        made = (row for named in rows if (row := growing.row(*named)) is not None)
        first = list(islice(made, _LOOKED_AT_ROWS))
        return cls(chain(first, made), growing)

    @property
    def columns(self) -> list[str]:
        """Names so far."""
        return self._growing.columns

    def __iter__(self) -> Iterator[RawRow]:
        return self._rows


def json_lines(lines: Iterator[tuple[str, bool]], *, name: str) -> MappingRows:
    """A table of one JSON object per line.

    Raises:
        NotATable: the first line is no JSON object.
    """
    first: list[tuple[int, tuple[str, bool]]] = []
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        first.append((number, line))
        if line[0].strip(_BLANK):
            break
    if not first or isinstance(_object(first[-1][1]), str):
        message = (
            f"{name} begins like JSON and is not JSON lines: write one object per "
            f"line, without brackets or commas around them"
        )
        raise NotATable(message)
    rows = chain(first, numbered)
    return MappingRows.numbered(
        (number, _object(line)) for number, line in rows if line[0].strip(_BLANK)
    )


def _object(line: tuple[str, bool]) -> Mapping[str, object] | str:
    text, cut = line
    if cut:
        return CUT
    try:
        # Numbers stay as written: a phone is no float.
        found = json.loads(
            text.lstrip("\ufeff"), parse_int=str, parse_float=str, parse_constant=str
        )
    except (ValueError, RecursionError):
        return _NO_OBJECT
    return found if isinstance(found, dict) else _NO_OBJECT


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join([_text(item) for item in value])
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
