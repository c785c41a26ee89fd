"""``outreach plan``: the figures of the specification, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.command_line import CommandLine, command_line

TWENTY = ("plan", "--phones", 20, "--new", 200)


@pytest.fixture
def call() -> Iterator[CommandLine]:
    """No store is set, none is needed."""
    with command_line() as calls:
        yield calls


@pytest.mark.parametrize(
    ("followups", "needed", "sustainable", "phones"),
    [
        (0, 200, 200, 20),
        (1, 370, 194.6, 21),
        (2, 514.5, 139.9, 29),
        (3, 637.3, 113.0, 36),
    ],
)
def test_twenty_phones_with_so_many_follow_ups(
    call: CommandLine, followups: int, needed: float, sustainable: float, phones: int
) -> None:
    answer = call(*TWENTY, "--followups", followups, "--json").json()

    assert answer["capacity_per_sender_day"] == 360
    assert round(answer["needed_per_sender_day"], 1) == needed
    assert round(answer["sustainable_new_per_sender_day"], 1) == sustainable
    assert answer["senders_needed"] == phones
    assert answer["fits"] is (followups == 0)
    assert (answer["late_on_day"] is None) is answer["fits"]
    assert len(answer["days_played"]) == 60


def test_it_says_what_binds_what_it_would_take_and_when_it_is_late(
    call: CommandLine,
) -> None:
    said = call(*TWENTY, "--followups", "endless").out

    assert "does not fit" in " ".join(said.split())
    assert "capacity" in said
    assert "75" in said
    assert "The backlog passes its bound on working day 6." in said


def test_a_batch_answers_in_days(call: CommandLine) -> None:
    said = call("plan", "--phones", 20, "--leads", 8000, "--followups", 3).out
    answer = call(
        "plan", "--phones", 20, "--leads", 8000, "--followups", 3, "--json"
    ).json()

    assert "working days to the last first contact" in said
    assert (answer["fits"], answer["days"]) == (True, 4)
    assert sum(day["new"] for day in answer["days_played"]) == 400


def test_what_has_no_end_is_null_for_programs(call: CommandLine) -> None:
    asked = (*TWENTY, "--followups", "endless", "--stop-rate", 0)
    answer = call(*asked, "--json").json()

    assert answer["needed_per_sender_day"] is None
    assert answer["senders_needed"] is None
    assert "no number" in call(*asked).out


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--phones", 0), "senders = 0: give 1 or more"),
        (("--phones", 1, "--new", "nan"), "new = nan: give 0 or more"),
        (("--phones", 1, "--followups", "some"), "give 0 to 1000, or endless"),
        (("--phones", 1, "--followups", "9999"), "followups = 9999"),
        (("--phones", 1, "--stop-rate", "2"), "stop_rate = 2.0: give 0 to 1"),
        (("--phones", 1, "--hours", "25"), "at most 24 h"),
        (("--phones", 1, "--hours", "1e300"), "--hours"),
        (("--phones", 1, "--gap", "5"), "30 s or more"),
        (("--phones", 1, "--limit", "201"), "0 to 200"),
        (("--phones", 1, "--leads", "-1"), "batch = -1"),
        (("--phones", 1, "--days", "0"), "--days"),
        ((), "--phones"),
    ],
)
def test_what_cannot_be_is_wrong_usage_and_named(
    call: CommandLine, flags: tuple[object, ...], says: str
) -> None:
    answer = call("plan", *flags)

    assert answer.status == 2
    assert says in answer.err
    assert "Traceback" not in answer.err
