"""The file of refused rows, to be mended in a spreadsheet and imported again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from outreach.domain.errors import Misconfigured
from outreach.domain.lead_file import Rejected

__all__ = ["RejectsFile"]

_HEAD: Final = (
    "rejected_row",
    "rejected_column",
    "rejected_value",
    "rejected_reason",
)
# A spreadsheet runs a cell that begins like this as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class RejectsFile:
    """Writes refused rows as CSV with a byte order mark, as Excel opens it.

    Written at the first refused row. A file left by an earlier import of the same
    name is replaced; if no row is refused, it is removed.

    Attributes:
        target: where refused rows go.
    """

    def __init__(
        self, target: Path, *, source: Path | None = None, delimiter: str = ";"
    ) -> None:
        """Check that *target* may be written.

        Raises:
            Misconfigured: it is the file being read, no file of ours, or its folder
                cannot be written.
        """
        self.target = target
        self._delimiter = delimiter
        self._file: TextIO | None = None
        if source is not None and target.resolve() == source.resolve():
            message = f"rejects file {target} is the file being read: name another"
            raise Misconfigured(message)
        if target.exists() and not _is_ours(target):
            message = (
                f"rejects file {target} exists and is not one: move it or name another"
            )
            raise Misconfigured(message)
        try:
            with target.open("a", encoding="utf-8"):
                pass
            target.unlink()
        except OSError as error:
            reason = (error.strerror or "cannot be written").lower()
            message = f"rejects file {target}: {reason}; name another"
            raise Misconfigured(message) from error

    @classmethod
    def beside(cls, source: Path, *, delimiter: str = ";") -> RejectsFile:
        """The file ``NAME.rejects.csv`` next to the one that is read."""
        target = source.with_name(f"{source.stem}.rejects.csv")
        return cls(target, source=source, delimiter=delimiter)

    @property
    def path(self) -> str | None:
        """Path as text; None as long as no row was refused."""
        return str(self.target) if self._file is not None else None

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        """Write one row: number, column, value, reason, then its cells as they were."""
        if self._file is None:
            self._file = self.target.open("w", encoding="utf-8-sig", newline="")
            self._write((*_HEAD, *columns))
        row = rejected.row
        told = (str(row.number), rejected.column, rejected.value, rejected.reason)
        self._write((*told, *row.cells))

    def close(self) -> None:
        """Finish the file; asking twice is fine."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, cells: Sequence[str]) -> None:
        assert self._file is not None
        writer = csv.writer(self._file, delimiter=self._delimiter)
        writer.writerow([_harmless(cell) for cell in cells])


def _harmless(cell: str) -> str:
    cell = cell.replace("\0", "")
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _is_ours(path: Path) -> bool:
    if path.stat().st_size == 0:
        return True
    with path.open("rb") as file:
        return _HEAD[0].encode() in file.read(64)
