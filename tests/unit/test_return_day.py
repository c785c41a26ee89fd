"""The day of return is found, and nonsense is not believed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.rules.dates import return_day
from outreach.adapters.rules.lexicon import lexicon
from outreach.adapters.rules.text import fold

MONDAY = date(2026, 3, 2)


def stated(text: str, received_on: date = MONDAY) -> date | None:
    return return_day(fold(text), received_on, lexicon().day_names)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("până pe 15 iunie", date(2026, 6, 15)),
        ("pana la 15 iun.", date(2026, 6, 15)),
        ("între 2 și 20 martie", date(2026, 3, 20)),
        ("din 1 aprilie până în 12 aprilie", date(2026, 4, 12)),
        ("1 de mai", date(2026, 5, 1)),
        ("back on 3 May", date(2026, 5, 3)),
        ("back on May 3rd", date(2026, 5, 3)),
        ("the 3rd of May 2026", date(2026, 5, 3)),
        ("May 3, 2026", date(2026, 5, 3)),
        ("вернусь 12 мая", date(2026, 5, 12)),
        ("15.06.2026", date(2026, 6, 15)),
        ("15/6/26", date(2026, 6, 15)),
        ("05/06", date(2026, 6, 5)),
        ("2026-06-15", date(2026, 6, 15)),
        ("revin luni", date(2026, 3, 9)),
        ("revin marți", date(2026, 3, 3)),
        ("в понедельник", date(2026, 3, 9)),
        ("tomorrow", date(2026, 3, 3)),
        ("next week", date(2026, 3, 9)),
        ("săptămâna viitoare", date(2026, 3, 9)),
        ("peste 2 luni", MONDAY + timedelta(days=60)),
        ("peste o săptămână", date(2026, 3, 9)),
        ("in two weeks", date(2026, 3, 16)),
        ("через неделю", date(2026, 3, 9)),
        ("Monday 16 March", date(2026, 3, 16)),
        ("2 martie", MONDAY),
    ],
)
def test_a_stated_day_is_found(text: str, day: date) -> None:
    assert stated(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sunt plecat",
        "până pe 31 februarie",
        "32 mai",
        "0 iunie",
        "1 martie",  # yesterday: an answering service nobody switched off
        "15 octombrie",  # further ahead than half a year
        "1.1.2025",
        "1.1.2099",
        "program 09.00-18.00",
        "tel 0722.10.12",
        "peste 999999 zile",
        "mai vorbim",
    ],
)
def test_a_day_that_makes_no_sense_is_none(text: str) -> None:
    assert stated(text) is None


def test_a_day_without_a_year_may_lie_in_the_next_one() -> None:
    assert stated("până pe 10 ianuarie", date(2026, 12, 20)) == date(2027, 1, 10)


@given(
    text=st.text(alphabet="0123456789./- aeimuntlărsMay", max_size=60),
    received_on=st.dates(date(2024, 1, 1), date(2040, 1, 1)),
)
def test_a_day_is_never_past_nor_further_than_a_year(
    text: str, received_on: date
) -> None:
    day = stated(text, received_on)

    assert day is None or received_on <= day <= received_on + timedelta(days=366)
