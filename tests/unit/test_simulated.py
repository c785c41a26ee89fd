"""A simulated campaign: asked for, drawn from its seed, judged, shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from attrs import evolve

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.settings import Settings
from outreach.entrypoints.simulated.asked import Asked, Faults
from outreach.entrypoints.simulated.crowd import Crowd, Delivery
from outreach.entrypoints.simulated.page import page
from outreach.entrypoints.simulated.play import Played, by_the_record, play

BEGIN = datetime(2026, 3, 2, 7, tzinfo=UTC)
ASKED = Asked(days=3, phones=2, leads=40, followups=1, seed=4, begin=BEGIN)


async def played(**changes: Any) -> Played:
    return await play(evolve(ASKED, **changes), Settings(), lambda _done, _of: None)


async def test_a_quiet_campaign_reaches_everybody_and_breaks_no_rule() -> None:
    found = await played(bounce_rate=0, reply_rate=0, faults=Faults.NONE)

    assert found.broken == ()
    assert found.accepted == 80
    assert [(one.new, one.followups) for one in found.days] == [
        (40, 0),
        (0, 40),
        (0, 0),
    ]
    assert [one.waiting for one in found.days] == [0, 0, 0]
    assert sum(one.new + one.followups for one in found.phones) == 80
    assert found.summary.sent == {"WHATSAPP": 80}


async def test_people_answer_and_are_not_on_whatsapp_as_often_as_asked() -> None:
    found = await played(leads=300, phones=3, reply_rate=0.5, bounce_rate=0.2)

    replies = sum(found.summary.replies.values())
    assert 0.4 < replies / found.accepted < 0.6
    assert 0.12 < 1 - found.days[0].new / 300 < 0.28
    assert found.summary.suppressed > 0
    assert found.broken == ()


async def test_whatever_fails_no_rule_is_broken_and_nothing_is_lost() -> None:
    found = await played(days=4, leads=150, faults=Faults.BRUTAL, bounce_rate=0)

    assert found.broken == ()
    assert sum(one.new for one in found.days) == 150
    assert found.days[-1].waiting == found.days[-1].due == 0


async def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again = await played(), await played()
    other = await played(seed=5)

    assert first == again
    assert page(first) == page(again)
    assert page(other) != page(first)


async def test_weekends_are_no_working_days() -> None:
    friday = datetime(2026, 3, 6, 7, tzinfo=UTC)

    found = await played(begin=friday, days=2)

    assert [f"{one.day:%a}" for one in found.days] == ["Fri", "Mon"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", 0),
        ("phones", 1_001),
        ("leads", 0),
        ("followups", 51),
        ("hours", 0.1),
        ("hours", float("nan")),
        ("reply_rate", 1.1),
        ("bounce_rate", -0.1),
    ],
)
def test_what_cannot_be_played_is_named(name: str, value: Any) -> None:
    with pytest.raises(Misconfigured, match=f"with {name} = "):
        evolve(ASKED, **{name: value})


# --- the judge of the provider's own record


def at(clock: str, day: int = 2) -> datetime:
    hour, minute, second = map(int, clock.split(":"))
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def sent(when: datetime, to: str = "+40721000001", text: str = "1") -> Delivery:
    return Delivery(when, "+40740000000", to, text, "a")


@pytest.mark.parametrize(
    ("accepted", "invariant"),
    [
        ([sent(at("08:00:00")), sent(at("09:00:00"))], "INV-1"),
        (
            [
                sent(at("08:00:00"), to=f"+407210{number:05}", text=str(number))
                for number in range(201)
            ],
            "INV-2",
        ),
        ([sent(at("08:00:00")), sent(at("08:00:29"), text="2")], "INV-3"),
        ([sent(at("16:00:00"))], "INV-4"),
        ([sent(at("06:59:59"))], "INV-4"),
    ],
)
def test_a_record_that_breaks_a_rule_is_seen(
    accepted: list[Delivery], invariant: str
) -> None:
    crowd = Crowd(ASKED, ["+40740000000"], lambda: BEGIN)
    crowd.accepted += accepted

    found = list(by_the_record(crowd, ASKED, "Europe/Bucharest"))

    assert any(one.startswith(invariant) for one in found), found


def test_a_record_within_the_rules_is_none() -> None:
    crowd = Crowd(ASKED, ["+40740000000"], lambda: BEGIN)
    crowd.accepted += [sent(at("08:00:00")), sent(at("08:00:30"), text="2")]

    assert list(by_the_record(crowd, ASKED, "Europe/Bucharest")) == []


# --- the page


class Tags(HTMLParser):
    """Whether what is opened is closed, and what is asked for elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_is_whole_and_needs_no_other_file() -> None:
    text = page(await played())

    tags = Tags()
    tags.feed(text)

    assert tags.open == []
    assert tags.links == []
    assert tags.seen.count("svg") == 5
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text
    assert "No rule was broken." in text
    assert not re.search(r"\bnan\b|\binf\b|url\(|@import", text)


async def test_the_axes_have_round_numbers() -> None:
    text = page(await played())

    labels = re.findall(r'text-anchor="end">([0-9.]+)</text>', text)
    assert {"10", "20", "30", "40"} <= set(labels)
    assert all(float(one) * 2 == int(float(one) * 2) for one in labels)


async def test_a_page_of_one_day_and_of_a_broken_rule_can_be_drawn() -> None:
    one = await played(days=1)

    text = page(evolve(one, broken=("INV-1: <b>twice</b>",)))

    assert "INV-1: &lt;b&gt;twice&lt;/b&gt;" in text
    assert "No rule was broken." not in text
