"""The schedule that a provider's campaign gets lies inside our window."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.ids import AccountId, CampaignId, StepId
from outreach.domain.provider_campaign import CampaignPlan, schedule
from outreach.domain.window import Hours, Window

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ZONES = (
    "Europe/Bucharest",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)


def test_one_zone_keeps_its_hours() -> None:
    hours = Hours(time(8, 30), time(16), frozenset({0, 2}))

    assert schedule(Window(("Asia/Kolkata",), hours), AT) == ("Asia/Kolkata", hours)


def test_zones_that_change_their_clocks_on_other_days_share_what_is_left() -> None:
    # Two hours apart, and one for the weeks in which only one of them has changed.
    found = schedule(Window(("Africa/Cairo", "Europe/London")), AT)

    assert found == ("Africa/Cairo", Hours(time(12), time(18)))


def test_zones_without_common_hours_have_none() -> None:
    assert schedule(Window(("America/New_York", "Asia/Kolkata")), AT) is None


@given(
    zones=st.sets(st.sampled_from(ZONES), min_size=1, max_size=3),
    opens=st.integers(0, 20),
    hours=st.integers(1, 23),
    at=st.integers(0, 400).map(lambda days: AT + timedelta(days=days)),
    probes=st.lists(st.integers(0, 300 * 24 * 60), min_size=20, max_size=20),
)
def test_it_is_never_open_when_the_window_is_closed(
    zones: set[str], opens: int, hours: int, at: datetime, probes: list[int]
) -> None:
    closes = time((opens + hours) % 24) if opens + hours <= 24 else time(0)
    window = Window(tuple(zones), Hours(time(opens), closes))
    found = schedule(window, at)
    if found is None:
        return
    zone, narrow = found

    for minutes in probes:
        here = at + timedelta(minutes=minutes)
        there = here.astimezone(ZoneInfo(zone))
        last = time.max if narrow.closes == time(0) else narrow.closes
        open_there = narrow.opens <= there.time() < last
        if open_there and there.weekday() in narrow.days:
            assert window.is_open(here), (here, found)


def test_its_name_says_which_of_our_campaigns_step_and_zone() -> None:
    plan = CampaignPlan(
        account=AccountId(UUID(int=1)),
        campaign=CampaignId(UUID(int=2)),
        step=StepId(UUID(int=3)),
        sequence="agri",
        number=1,
        zone="Europe/Bucharest",
    )
    others = (
        evolve(plan, campaign=CampaignId(UUID(int=9))),
        evolve(plan, number=2),
        evolve(plan, zone="Europe/London"),
    )

    assert len({one.name for one in (plan, *others)}) == 4
