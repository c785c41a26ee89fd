"""The day a writer says they will be back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from attrs import frozen

__all__ = ["DayNames", "return_day"]

_AHEAD: Final = timedelta(days=183)
"""A day and month without a year that are further ahead than this are past."""
_AHEAD_WITH_YEAR: Final = timedelta(days=366)
_WEEK_DAYS: Final = 7
_MONTHS: Final = 12
_CENTURY: Final = 2000
_TWO_DIGITS: Final = 100

_ISO: Final = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_NUMERIC: Final = re.compile(
    r"(?<![\d./-])(\d{1,2})[./-](\d{1,2})(?:[./-](\d{4}|\d{2}))?(?![\d/-])"
)
_PIECE: Final = re.compile(r"\d{1,4}|[^\W\d_]+")
_MOST_BETWEEN: Final = 3
_BETWEEN: Final = frozenset(
    {"st", "nd", "rd", "th", "of", "the", "de", "a", "lea", "e"}
)
"""What may stand between a day and its month: '3rd of May', '1 de mai'."""


@frozen
class DayNames:
    """How one language names days; all words folded.

    Attributes:
        months: forms to 1..12.
        month_first: 'May 3' is said too.
        weekdays: forms to 0 (Monday) to 6.
        relative: words (or two) to days from the day of receipt.
        within: words before a span: '*in* 3 days'.
        numbers: words to numbers.
        units: words to days: 'weeks' to 7.
    """

    months: Mapping[str, int]
    month_first: bool
    weekdays: Mapping[str, int]
    relative: Mapping[str, int]
    within: frozenset[str]
    numbers: Mapping[str, int]
    units: Mapping[str, int]


def return_day(
    folded: str, received_on: date, languages: Iterable[DayNames]
) -> date | None:
    """Find the latest plausible day in a folded text, None if there is none.

    Days of the calendar win over days of the week and spans. '05/06' is the fifth of
    June, '03/16' the sixteenth of March. A day without a year is the next one after
    *received_on*.
    """
    pieces = _PIECE.findall(folded)
    languages = tuple(languages)
    dated = [*_numeric(folded, received_on), *_named(pieces, received_on, languages)]
    if dated:
        return max(dated)
    return max(_spoken(pieces, received_on, languages), default=None)


def _numeric(folded: str, received_on: date) -> Iterator[date]:
    for year, month, day in _ISO.findall(folded):
        yield from _full(int(year), int(month), int(day), received_on)
    for first, second, year in _NUMERIC.findall(folded):
        day, month = int(first), int(second)
        if month > _MONTHS >= day:
            day, month = month, day  # 03/16 can only be as Americans write it
        if year:
            full = int(year) if int(year) >= _TWO_DIGITS else _CENTURY + int(year)
            yield from _full(full, month, day, received_on)
        else:
            yield from _next(month, day, received_on)


def _named(
    pieces: list[str], received_on: date, languages: tuple[DayNames, ...]
) -> Iterator[date]:
    for at, piece in enumerate(pieces):
        for names in languages:
            month = names.months.get(piece)
            if month is None:
                continue
            before = at - 1
            while (
                before >= 0
                and at - before <= _MOST_BETWEEN
                and pieces[before] in _BETWEEN
            ):
                before -= 1
            day = _number(pieces, before)
            year = _number(pieces, at + 1)
            if day is None and names.month_first:
                day = year
                after = at + 2
                if after < len(pieces) and pieces[after] in _BETWEEN:
                    after += 1
                year = _number(pieces, after)
            if day is None:
                continue
            if year is not None and year >= _CENTURY:
                yield from _full(year, month, day, received_on)
            else:
                yield from _next(month, day, received_on)


def _spoken(
    pieces: list[str], received_on: date, languages: tuple[DayNames, ...]
) -> Iterator[date]:
    for at, piece in enumerate(pieces):
        for names in languages:
            for said in (piece, " ".join(pieces[at : at + 2])):
                if said in names.relative:
                    yield received_on + timedelta(days=names.relative[said])
            weekday = names.weekdays.get(piece)
            counted = at > 0 and (
                pieces[at - 1].isdecimal() or pieces[at - 1] in names.numbers
            )
            # Romanian 'luni' is Monday, but '2 luni' are two months.
            if weekday is not None and not counted:
                ahead = (weekday - received_on.weekday() - 1) % _WEEK_DAYS + 1
                yield received_on + timedelta(days=ahead)
            if piece in names.within:
                yield from _span(pieces, at + 1, received_on, names)


def _span(
    pieces: list[str], at: int, received_on: date, names: DayNames
) -> Iterator[date]:
    count = 1
    if at < len(pieces) and pieces[at] not in names.units:
        number = _number(pieces, at)
        said = names.numbers.get(pieces[at]) if number is None else number
        if said is None:
            return
        count = said
        at += 1
    if at < len(pieces) and pieces[at] in names.units:
        ahead = timedelta(days=count * names.units[pieces[at]])
        if ahead <= _AHEAD_WITH_YEAR:
            yield received_on + ahead


def _number(pieces: list[str], at: int) -> int | None:
    if 0 <= at < len(pieces) and pieces[at].isdecimal():
        return int(pieces[at])
    return None


def _full(year: int, month: int, day: int, received_on: date) -> Iterator[date]:
    try:
        found = date(year, month, day)
    except ValueError:
        return
    if timedelta(0) <= found - received_on <= _AHEAD_WITH_YEAR:
        yield found


def _next(month: int, day: int, received_on: date) -> Iterator[date]:
    for year in (received_on.year, received_on.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if timedelta(0) <= found - received_on <= _AHEAD:
            yield found
