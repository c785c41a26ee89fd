"""CSV in any dialect: which mark parts the values, which line is the header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from attrs import define, field, frozen

from outreach.adapters.files.records import Records
from outreach.domain.lead_columns import field_of, folded
from outreach.domain.lead_file import NotATable, RawRow

__all__ = ["MOST_COLUMNS", "Delimited"]

MOST_COLUMNS: Final = 500

_MARKS: Final = (";", ",", "\t", "|", "^", "~")
_LOOKED_AT_LINES: Final = 200
_HEADER_WITHIN: Final = 20
"""Titles and blank lines may stand above the header."""
_MOST_ALIKE: Final = 0.5
_MORE: Final = "more values than columns: a value may hold the separator"
_CONTACTS: Final = frozenset({"phone", "email"})

_Line = tuple[str, bool]


@frozen(order=True)
class _Guess:
    """How well a mark explains the first lines; greater is better.

    Attributes:
        contacts: a line names a column of contact points.
        fields: known columns of that line.
        alike: share of the records that are as wide as most, if wider than one.
        header: index of the header among the records.
    """

    contacts: bool
    fields: int
    alike: float
    mark: str = field(order=False)
    header: int = field(order=False)


@define
class Delimited:
    """A table of delimited text; see `outreach.ports.leads.LeadTable`."""

    columns: tuple[str, ...]
    notes: tuple[str, ...]
    delimiter: str
    _records: Records
    _skipped: int

    @classmethod
    def of(
        cls,
        lines: Iterator[_Line],
        *,
        name: str,
        delimiter: str = "",
        headers: Iterable[str] = (),
    ) -> Delimited:
        """Read the head of a file.

        Args:
            lines: of the file.
            name: for messages.
            delimiter: if it is known.
            headers: that a mapping names, to know the header by.

        Raises:
            NotATable: no mark parts these lines into columns, or into too many.
        """
        first = list(islice(lines, _LOOKED_AT_LINES))
        delimiter, first, above = _declared(first, delimiter)
        wanted = frozenset([folded(header) for header in headers])
        marks = (delimiter,) if delimiter else _MARKS
        guess = max(_guess(first, mark, wanted) for mark in marks)
        if not guess.contacts and guess.alike < _MOST_ALIKE:
            message = (
                f"{name} is no table: no header names phones or e-mail addresses, and "
                f"nothing parts its lines into the same columns; save it as CSV with a "
                f"header line"
            )
            raise NotATable(message)
        records = Records(chain(first, lines), guess.mark)
        parsed = iter(records)
        header: list[str] = []
        for _ in range(guess.header + 1):
            header, _problem = next(parsed)
        columns = _columns(header)
        if len(columns) > MOST_COLUMNS:
            message = (
                f"{name} has {len(columns):,} columns, more than {MOST_COLUMNS}: leave "
                f"out those that are not about leads"
            )
            raise NotATable(message)
        records.width = len(columns)
        lines_above = guess.header + above
        notes = (f"{lines_above} lines above the header are left out",)
        return cls(
            columns=columns,
            notes=notes if guess.header else (),
            delimiter=guess.mark,
            records=records,
            skipped=guess.header + 1 + above,
        )

    def __iter__(self) -> Iterator[RawRow]:
        width = len(self.columns)
        for number, (cells, problem) in enumerate(self._records, self._skipped + 1):
            if not cells:
                continue
            wide = len(cells) > width and any(map(str.strip, cells[width:]))
            yield RawRow(number, tuple(cells), problem or (_MORE if wide else ""))


def _declared(lines: list[_Line], delimiter: str) -> tuple[str, list[_Line], int]:
    """Take off the line ``sep=;`` that some programs write for Excel."""
    first = lines[0][0].lstrip("\ufeff").strip("\"' ") if lines else ""
    if first[:4].casefold() == "sep=" and len(first) in {4, 5}:
        return delimiter or first[4:] or "\t", lines[1:], 1
    return delimiter, lines, 0


def _guess(lines: list[_Line], mark: str, wanted: frozenset[str]) -> _Guess:
    records = [cells for cells, _ in Records(iter(lines), mark)]
    best, header = (False, 0), -1
    for index, cells in enumerate(records[:_HEADER_WITHIN]):
        names = {field_of(cell) for cell in cells}
        mapped = wanted & {folded(cell) for cell in cells}
        score = (bool(names & _CONTACTS or mapped), len(names - {None}) + len(mapped))
        if score[0] and score > best:
            best, header = score, index
    filled = [index for index, cells in enumerate(records) if cells]
    if header < 0:
        header = filled[0] if filled else 0
    widths = Counter([len(records[index]) for index in filled])
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    alike = count / len(filled) if width > 1 else 0.0
    return _Guess(*best, alike, mark, header)


def _columns(header: Sequence[str]) -> tuple[str, ...]:
    """Headers on one line each; empty ones at the end are no columns."""
    names = [" ".join(cell.replace("\ufeff", "").split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    return tuple(names)
