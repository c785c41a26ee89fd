"""Lines of a delimited file into records, also where quotation marks are broken.

A record that is well formed (RFC 4180, blanks around values allowed) is read as such,
line breaks in quotes included. A mark that is never closed, or whose closing would
swallow other records, is a character like any other; so is one inside a value. Such a
record carries a problem, and the records after it are not touched.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final

from attrs import define, field

__all__ = ["CUT", "STRAY", "Records"]

STRAY: Final = "a quotation mark is not closed or stands inside a value"
CUT: Final = "longer than 65,536 bytes: cut"

_MOST_LINES: Final = 30
_MOST_CHARACTERS: Final = 65_536


@define
class Records:
    """Records of the lines of a file, blank ones included as no cells.

    Attributes:
        lines: text without the end of the line, and whether it was cut.
        width: values of a whole record; 0: not known yet.
    """

    lines: Iterator[tuple[str, bool]]
    delimiter: str
    width: int = 0
    _back: deque[tuple[str, bool]] = field(factory=deque, init=False)
    _well: re.Pattern[str] = field(init=False)
    _loose: re.Pattern[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Build the two grammars of a record."""
        mark = re.escape(self.delimiter)
        quoted = r'"(?:[^"]|"")*+" *+'
        plain = rf'[^"{mark}\r\n][^{mark}\r\n]*+'
        value = rf" *+(?:{quoted}|{plain}|)"
        self._well = re.compile(rf"{value}(?:{mark}{value})*+")
        inside = rf'(?:[^"]|""|"(?! *(?:{mark}|$)))*+'
        self._loose = re.compile(rf'(?: *"({inside})" *|([^{mark}]*))(?:{mark}|$)')

    def __iter__(self) -> Iterator[tuple[list[str], str]]:
        """Cells and problem of each record; no cells for a blank line."""
        blank = self.delimiter + ' \t\ufeff"\x00\x1a'
        while (taken := self._next()) is not None:
            line, cut = taken
            problem = CUT if cut else ""
            if not line.strip(blank) and line.count('"') % 2 == 0:
                yield [], ""
            elif '"' not in line:
                yield line.split(self.delimiter), problem
            elif self._well.fullmatch(line):
                yield self._parsed(line), problem
            elif (joined := self._over_lines(line)) is not None:
                yield joined, problem
            else:
                yield self._guessed(line), problem or STRAY

    def _next(self) -> tuple[str, bool] | None:
        return self._back.popleft() if self._back else next(self.lines, None)

    def _parsed(self, text: str) -> list[str]:
        reader = csv.reader([text], delimiter=self.delimiter, skipinitialspace=True)
        return next(reader)

    def _over_lines(self, line: str) -> list[str] | None:
        """The record that begins here and ends some lines below, or None."""
        taken: list[tuple[str, bool]] = []
        text = line
        while len(taken) < _MOST_LINES and (after := self._next()) is not None:
            taken.append(after)
            text = f"{text}\n{after[0]}"
            if after[1] or len(text) > _MOST_CHARACTERS:
                break
            if '"' in after[0] and self._well.fullmatch(text):
                cells = self._parsed(text)
                if self._is_whole(cells) or self._are_parts(taken):
                    return cells
                break
        self._back.extendleft(reversed(taken))
        return None

    def _is_whole(self, cells: list[str]) -> bool:
        more = cells[self.width :]
        return not self.width or (
            len(cells) >= self.width and not any(cell.strip() for cell in more)
        )

    def _are_parts(self, lines: list[tuple[str, bool]]) -> bool:
        """Whether none of the lines within the quotes is a record of its own."""
        *inner, last = [line for line, _ in lines]
        within = [*inner, last.partition('"')[0]]
        return all(line.count(self.delimiter) < self.width - 1 for line in within)

    def _guessed(self, line: str) -> list[str]:
        cells = []
        for match in self._loose.finditer(line):
            quoted, plain = match.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if match.end() == len(line) and not match[0].endswith(self.delimiter):
                break
        return cells
