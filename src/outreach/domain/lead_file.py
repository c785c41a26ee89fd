"""A file of leads: its rows as written, what became of them, and the report.

What counts as what, for each row that is not blank:

- *rejected*: no contact point remains. It stands in the rejects file
- *imported*: it made a lead
- *merged*: it was folded into a stored lead and changed it, or it repeats a lead
  that this very import made or changed (a duplicate within the file)
- *unchanged*: a lead stored before already holds all of it; so the same file again
  is unchanged throughout, but for the rows rejected again
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NewType
from uuid import UUID

from attrs import field, frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.ids import LeadId
from outreach.domain.lead import Flaw

__all__ = [
    "FlawCount",
    "ImportId",
    "ImportOptions",
    "ImportReport",
    "MissingColumns",
    "NotATable",
    "RawRow",
    "Rejected",
    "RowOutcome",
    "Stored",
]

ImportId = NewType("ImportId", UUID)
"""One run of one import; drawn by the entry point, a new one per run."""


class NotATable(Misconfigured):
    """The file cannot be read as a list of leads; says what it is and the way out."""


class MissingColumns(NotATable):
    """No column holds a phone or an address, or a mapping names one that is not there.

    Names the columns that were found.
    """


@frozen
class ImportOptions:
    """What an import is told beside the file; rows that say something else win.

    Attributes:
        region: ISO 3166 alpha-2, for numbers without a country code.
        tags: added to those of the row.
        mapping: field to the header of its column, or to ``#3`` for the third, where
            headers do not tell.
    """

    region: str
    source: str = ""
    legal_basis: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(factory=dict, hash=False)


@frozen
class RawRow:
    """A row as the file has it.

    Attributes:
        number: as a spreadsheet counts: the header is a row, and blank lines are.
        cells: one text per column, or fewer; missing ones are empty.
        problem: what is wrong with the row's shape; empty if nothing is.
    """

    number: int
    cells: tuple[str, ...] = field(repr=False)
    problem: str = ""


@frozen
class Rejected:
    """A row that was refused, and why.

    Attributes:
        column: header, or headers joined by ``, ``; empty for the row as a whole.
        value: what stood there, joined by `` / ``.
    """

    row: RawRow
    column: str
    value: str = field(repr=False)
    reason: str


class RowOutcome(StrEnum):
    """What became of a row that was not rejected (see the head of this module)."""

    IMPORTED = "IMPORTED"
    MERGED = "MERGED"
    UNCHANGED = "UNCHANGED"


@frozen
class Stored:
    """What the store did with one row."""

    outcome: RowOutcome
    lead: LeadId
    warnings: tuple[Flaw, ...] = ()


@frozen
class FlawCount:
    """A flaw, how many rows have it, and the first few of them."""

    column: str
    reason: str
    count: int
    rows: tuple[int, ...]


@frozen
class ImportReport:
    """What became of a file: ``rows = imported + merged + unchanged + rejected``.

    Attributes:
        rejects_file: path of the refused rows; None if there are none.
        warnings: most frequent first.
        columns: field and header, in the order of the file.
        unknown_columns: header and the name of the custom field it became.
        duplicate_columns: headers that name a field an earlier column names too;
            their values fill holes, further phones and addresses are kept.
        notes: about the file as a whole.
    """

    rows: int
    imported: int
    merged: int
    unchanged: int
    rejected: int
    rejects_file: str | None = None
    warnings: tuple[FlawCount, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    unknown_columns: tuple[tuple[str, str], ...] = ()
    duplicate_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
