"""A campaign at Instantly: made as planned, started once, and what it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from typing import Any, Final
from uuid import uuid5

import pytest
from attrs import evolve
from tests.contract.instantly_workspace import (
    KEY,
    NAMESPACE,
    PREFIX,
    InstantlyBench,
    error,
    opened,
)

from outreach.domain.errors import Unavailable
from outreach.domain.ids import AccountId, CampaignId, StepId
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.ports.gateway import Again, Held, Running
from outreach.testing.fault_server import Asked, Hangs, HangsUp, Reaction, Says
from outreach.testing.gateway import Situation
from outreach.testing.gateway_stops import CAMPAIGN

PLAN: Final = CampaignPlan(
    AccountId(CAMPAIGN),
    CampaignId(CAMPAIGN),
    StepId(CAMPAIGN),
    "agri 10 %",
    2,
    "Europe/Berlin",
)
WEEK: Final = {"0": False, **{str(day): True for day in range(1, 6)}, "6": False}
MAILBOXES: Final = [f"ion{n}@agro.example" for n in range(156)]


@pytest.fixture
async def bench() -> AsyncIterator[InstantlyBench]:
    async with opened() as bench:
        bench.workspace.campaigns.clear()
        bench.workspace.accounts += [
            {"email": address, "status": 1, "setup_pending": False}
            for address in MAILBOXES
        ]
        bench.reachable = evolve(bench.reachable, today=lambda: date(2026, 12, 1))
        yield bench


def calls(bench: InstantlyBench, *methods: str) -> list[str]:
    """What was written, without ids."""
    return [
        f"{one.method} {one.path.removeprefix(PREFIX).rpartition('/')[2]}"
        if one.path.endswith(("/activate", "/pause"))
        else f"{one.method} {one.path.removeprefix(PREFIX).split('/')[1]}"
        for one in bench.server.asked
        if one.method in (methods or ("POST", "PATCH", "DELETE"))
    ]


async def test_a_campaign_is_made_as_planned_given_all_mailboxes_and_started(
    bench: InstantlyBench,
) -> None:
    told = await bench.adapter.ensure(PLAN)

    (made,) = bench.workspace.campaigns
    assert told == Running(made["id"])
    assert made["status"] == 1
    assert made["name"] == PLAN.name
    assert made["campaign_schedule"] == {
        "schedules": [
            {
                "name": "outreach",
                "timing": {"from": "09:00", "to": "18:00"},
                "days": WEEK,
                "timezone": "Europe/Belgrade",
            }
        ]
    }
    assert made["sequences"] == [
        {
            "steps": [
                {
                    "type": "email",
                    "delay": 0,
                    "variants": [
                        {
                            "subject": "{{outreach_subject}}",
                            "body": "{{outreach_body}}",
                        }
                    ],
                }
            ]
        }
    ]
    flags = {name: value for name, value in made.items() if isinstance(value, bool)}
    assert flags == {
        "text_only": True,
        "first_email_text_only": True,
        "open_tracking": False,
        "link_tracking": False,
        "stop_on_reply": True,
        "stop_on_auto_reply": False,
        "insert_unsubscribe_header": True,
        "disable_bounce_protect": False,
    }
    assert made["email_list"] == MAILBOXES
    assert calls(bench) == ["POST campaigns", "PATCH campaigns", "POST activate"]


async def test_it_is_started_only_after_it_was_read_back(bench: InstantlyBench) -> None:
    await bench.adapter.ensure(PLAN)

    asked = [(one.method, one.path.removeprefix(PREFIX)) for one in bench.server.asked]
    (made,) = bench.workspace.campaigns
    one = f"/campaigns/{made['id']}"
    place = asked.index(("POST", f"{one}/activate"))
    assert asked[place - 1] == ("GET", one)
    assert asked[place + 1 :] == [("GET", f"{one}/sending-status")]


async def test_asked_again_for_the_same_plan_it_makes_no_second_campaign(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.ensure(PLAN)
    wrote = len(calls(bench))

    by_name = await bench.adapter.ensure(PLAN)
    by_ref = await bench.adapter.ensure(PLAN, getattr(first, "ref", ""))

    assert first == by_name == by_ref
    assert len(bench.workspace.campaigns) == 1
    assert len(calls(bench)) == wrote


async def test_a_campaign_is_found_by_its_very_name_among_many_whoever_made_it(
    bench: InstantlyBench,
) -> None:
    there = bench.workspace
    for number in range(240):
        ref = str(uuid5(NAMESPACE, f"other {number}"))
        there.campaign(ref, name=f"{PLAN.name} copy {number}")
    theirs = there.campaign(str(uuid5(NAMESPACE, "theirs")), name=PLAN.name)

    told = await bench.adapter.ensure(PLAN)

    assert told == Running(theirs["id"])
    assert len(there.campaigns) == 241
    assert calls(bench).count("POST campaigns") == 0
    assert theirs["campaign_schedule"]["schedules"][0]["timezone"] == "Europe/Belgrade"


async def test_of_two_with_the_name_the_older_one_is_it(bench: InstantlyBench) -> None:
    there = bench.workspace
    refs = [str(uuid5(NAMESPACE, name)) for name in ("young", "old")]
    for ref, year in zip(refs, (2026, 2025), strict=True):
        made = there.campaign(ref, name=PLAN.name)
        made["timestamp_created"] = f"{year}-01-01T00:00:00Z"

    assert await bench.adapter.ensure(PLAN) == Running(refs[1])


@pytest.mark.parametrize(
    "reaction", [HangsUp(), HangsUp(b"HTTP/1.1 200 OK\r\n"), Hangs()]
)
async def test_nothing_is_written_again_before_it_was_looked_for(
    bench: InstantlyBench, reaction: Reaction
) -> None:
    inner = bench.workspace.react
    bench.reachable = evolve(bench.reachable, ask_within=timedelta(seconds=0.5))

    def react(asked: Asked) -> Reaction:
        said = inner(asked)
        return reaction if asked.method == "POST" else said

    bench.server.react = react
    lost = await bench.adapter.ensure(PLAN)
    wrote = calls(bench)
    bench.server.react = inner

    found = await bench.adapter.ensure(PLAN)

    assert isinstance(lost, Again)
    assert wrote == ["POST campaigns"]
    assert isinstance(found, Running)
    assert len(bench.workspace.campaigns) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"sequences": []},
        {"sequences": [{"steps": [{"type": "email", "delay": 0, "variants": []}]}]},
        {"open_tracking": True},
        {"insert_unsubscribe_header": False},
        {"insert_unsubscribe_header": 1},
        {"stop_on_auto_reply": True},
        {"disable_bounce_protect": True},
        {"campaign_schedule": {"schedules": []}},
        {"name": "renamed"},
        {"email_list": MAILBOXES[:10]},
    ],
)
async def test_what_somebody_changed_is_set_right_before_anything_else(
    bench: InstantlyBench, change: dict[str, Any]
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    (made,) = bench.workspace.campaigns
    planned = json.loads(json.dumps(made))
    made.update(change)

    assert await bench.adapter.ensure(PLAN, first.ref) == first

    (name,) = change
    assert made[name] == planned[name]


async def test_an_end_that_somebody_set_is_taken_away(bench: InstantlyBench) -> None:
    first = await bench.adapter.ensure(PLAN)
    (made,) = bench.workspace.campaigns
    made["campaign_schedule"]["end_date"] = "2026-12-24"

    await bench.adapter.ensure(PLAN)

    assert isinstance(first, Running)
    assert "end_date" not in made["campaign_schedule"]


async def test_one_that_cannot_be_set_as_planned_is_not_started(
    bench: InstantlyBench,
) -> None:
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        said = inner(asked)
        for made in bench.workspace.campaigns:
            made["open_tracking"] = True
        return said

    bench.server.react = react

    told = await bench.adapter.ensure(PLAN)

    assert isinstance(told, Held)
    assert told.hold is CampaignHold.OTHER
    assert "open_tracking" in told.says
    assert "POST activate" not in calls(bench)


async def test_without_an_active_mailbox_nothing_is_started(
    bench: InstantlyBench,
) -> None:
    there = bench.workspace
    there.accounts[:] = [{"email": "ion@agro.example", "status": -1}]
    there.accounts.append(
        {"email": "eu@agro.example", "status": 1, "setup_pending": True}
    )

    told = await bench.adapter.ensure(PLAN)

    assert isinstance(told, Held)
    assert told.hold is CampaignHold.SENDERS
    assert there.campaigns[0]["status"] == 0


STOPPED: Final = {
    2: CampaignHold.PAUSED,
    4: CampaignHold.OTHER,
    -1: CampaignHold.SENDERS,
    -2: CampaignHold.BOUNCES,
    -99: CampaignHold.SUSPENDED,
    7: CampaignHold.OTHER,
}


@pytest.mark.parametrize(("status", "hold"), STOPPED.items())
async def test_one_that_was_stopped_is_not_started_but_by_a_person(
    bench: InstantlyBench, status: int, hold: CampaignHold
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    (made,) = bench.workspace.campaigns
    made["status"] = status
    started = calls(bench).count("POST activate")

    told = await bench.adapter.ensure(PLAN, first.ref)

    assert told == Held(first.ref, hold, f"status {status}")
    assert calls(bench).count("POST activate") == started
    assert await bench.adapter.resume(first.ref) == first
    assert made["status"] == 1


async def test_a_completed_one_is_started_again_for_new_leads(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.ensure(PLAN)
    bench.workspace.campaigns[0]["status"] = 3

    assert await bench.adapter.ensure(PLAN) == first
    assert bench.workspace.campaigns[0]["status"] == 1


SAYS: Final = {
    "healthy": None,
    "campaign_draft": CampaignHold.DRAFT,
    "campaign_paused": CampaignHold.PAUSED,
    "campaign_completed": CampaignHold.COMPLETED,
    "campaign_running_subsequences": CampaignHold.OTHER,
    "campaign_bounce_protect": CampaignHold.BOUNCES,
    "campaign_accounts_unhealthy": CampaignHold.SENDERS,
    "campaign_account_suspended": CampaignHold.SUSPENDED,
    "out_of_schedule": CampaignHold.SCHEDULE,
    "waiting_for_leads": CampaignHold.WAITING,
    "daily_limit_met": CampaignHold.LIMIT,
    "account_daily_limit_met": CampaignHold.LIMIT,
    "new_lead_limit_met": CampaignHold.LIMIT,
    "all_accounts_unhealthy": CampaignHold.SENDERS,
    "waiting_for_esp_match": CampaignHold.WAITING,
    "domain_limit_reached": CampaignHold.LIMIT,
    "follow_up_delay_not_met": CampaignHold.WAITING,
    "no_accounts_available": CampaignHold.SENDERS,
    "something_new": CampaignHold.OTHER,
}
PASSING: Final = {CampaignHold.SCHEDULE, CampaignHold.LIMIT, CampaignHold.WAITING}


@pytest.mark.parametrize(("code", "hold"), SAYS.items())
async def test_why_nothing_is_sent_is_told_in_our_words_and_in_the_vendors(
    bench: InstantlyBench, code: str, hold: CampaignHold | None
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    bench.workspace.sending[first.ref] = code

    told = await bench.adapter.state(first.ref)
    ensured = await bench.adapter.ensure(PLAN)

    held = None if hold is None else Held(first.ref, hold, f"It is {code}")
    assert told == (held or first)
    # What passes by itself keeps no lead from being added.
    assert ensured == (first if hold is None or hold in PASSING else held)


async def test_before_the_vendor_has_looked_the_status_of_the_campaign_counts(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    bench.workspace.sending[first.ref] = None

    assert await bench.adapter.state(first.ref) == first
    bench.workspace.campaigns[0]["status"] = -2
    assert await bench.adapter.state(first.ref) == Held(
        first.ref, CampaignHold.BOUNCES, "status -2"
    )


async def test_a_campaign_that_is_gone_sends_nothing_and_is_made_again(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    bench.workspace.campaigns.clear()

    for told in (
        await bench.adapter.state(first.ref),
        await bench.adapter.resume(first.ref),
        await bench.adapter.state("no such id"),
        await bench.adapter.resume("../webhooks"),
    ):
        assert isinstance(told, Held)
        assert told.hold is CampaignHold.OTHER
    again = await bench.adapter.ensure(PLAN, first.ref)
    assert isinstance(again, Running)
    assert again != first


async def test_a_window_that_no_zone_of_the_vendor_fits_is_said_so(
    bench: InstantlyBench,
) -> None:
    narrow = evolve(PLAN, zone="Pacific/Pitcairn", opens=time(0), closes=time(0, 40))

    told = await bench.adapter.ensure(narrow)

    assert isinstance(told, Held)
    assert "Pacific/Pitcairn" in told.says
    assert not bench.server.asked


async def test_a_zone_that_nobody_knows_is_said_so(bench: InstantlyBench) -> None:
    told = await bench.adapter.ensure(evolve(PLAN, zone="Mars/Olympus"))

    assert isinstance(told, Again)
    assert "Mars/Olympus" in told.why


async def test_a_plan_round_the_clock_closes_a_minute_early(
    bench: InstantlyBench,
) -> None:
    whole = evolve(PLAN, opens=time(0), closes=time(0), days=frozenset(range(1, 8)))

    await bench.adapter.ensure(whole)

    (made,) = bench.workspace.campaigns
    (hours,) = made["campaign_schedule"]["schedules"]
    assert hours["timing"] == {"from": "00:00", "to": "23:59"}
    assert all(hours["days"].values())


async def test_nothing_the_vendor_or_the_network_does_is_raised(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.ensure(PLAN)
    assert isinstance(first, Running)
    bench.reachable = evolve(bench.reachable, ask_within=timedelta(seconds=0.3))
    for situation in Situation:
        await bench.arrange(situation)
        for told in (
            await bench.adapter.ensure(evolve(PLAN, number=7)),
            await bench.adapter.state(first.ref),
            await bench.adapter.resume(first.ref),
        ):
            assert isinstance(told, Running | Held | Again), situation
            assert KEY not in repr(told)


ODD: Final[list[Reaction]] = [
    Says(200, b"<html>"),
    Says(200, []),
    Says(200, {}),
    Says(200, {"items": [7]}),
    Says(200, {"items": [{"id": "x", "name": PLAN.name}]}),
    Says(200, {"id": 7, "status": "active", "items": []}),
    Says(204, b""),
    error(400),
    error(401),
    error(404),
    error(429, retry_after="9"),
    error(503),
]


@pytest.mark.parametrize("reaction", ODD)
async def test_an_odd_answer_starts_nothing(
    bench: InstantlyBench, reaction: Reaction
) -> None:
    inner = bench.workspace.react
    bench.server.react = lambda asked: (
        reaction if asked.method == "GET" else inner(asked)
    )

    told = await bench.adapter.ensure(PLAN)

    assert isinstance(told, Again)
    is_limit = isinstance(reaction, Says) and reaction.status == 429
    assert told.retry_after == (timedelta(seconds=9) if is_limit else None)
    assert "POST activate" not in calls(bench)


# --- counts


def counted(ref: str, contacted: Any = 100, bounced: Any = 3) -> dict[str, Any]:
    return {"campaign_id": ref, "contacted_count": contacted, "bounced_count": bounced}


async def test_counts_are_of_leads_and_what_sent_nothing_is_left_out(
    bench: InstantlyBench,
) -> None:
    refs = [str(uuid5(NAMESPACE, f"c {n}")) for n in range(120)]
    bench.workspace.analytics += [
        counted(ref, contacted=n) for n, ref in enumerate(refs)
    ]

    told = await bench.adapter.counts([*refs, "no id", refs[5]])

    assert told == [CampaignCounts(ref, n, 3) for n, ref in enumerate(refs) if n]
    assert len(bench.server.asked) == 3
    assert await bench.adapter.counts([]) == []


@pytest.mark.parametrize(
    "said",
    [
        Says(200, {}),
        Says(200, [7]),
        Says(200, [counted(str(CAMPAIGN), contacted="100")]),
        Says(200, [counted(str(CAMPAIGN), bounced=None)]),
        error(401),
        error(404),
        error(500),
    ],
)
async def test_counts_that_cannot_be_read_are_unavailable_never_nought(
    bench: InstantlyBench, said: Reaction
) -> None:
    bench.server.react = lambda _: said

    with pytest.raises(Unavailable):
        await bench.adapter.counts([str(CAMPAIGN)])
