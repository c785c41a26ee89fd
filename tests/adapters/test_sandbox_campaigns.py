"""A campaign of the sandbox sends within its hours, by engine time, and no faster."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import zoneinfo
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.adapters.instantly_desk import MAILBOX, a_campaign, add, started
from tests.adapters.sandbox_in_process import Desk, opened

API: Final = "/instantly/api/v2"
ZONE: Final = zoneinfo.ZoneInfo("Europe/Bucharest")
MANY: Final = [f"ferma{number}@camp.example" for number in range(60)]
FRIDAY: Final = dt.datetime(2026, 11, 20, 17, 30, tzinfo=ZONE)
QUICK: Final = 1e6  # engine seconds per second: a week in less than a second
OTHER: Final = "ioana.dinu@hambarul-nou.example"


def begun(at: dt.datetime, speed: float = QUICK) -> dict[str, Any]:
    return {"speed": speed, "begin_s": at.timestamp()}


def times(desk: Desk) -> list[dt.datetime]:
    return [
        dt.datetime.fromtimestamp(line["engine_s"], ZONE)
        for line in desk.events("mailed")
    ]


async def why(client: httpx.AsyncClient, campaign: str) -> str:
    answer = await client.get(f"/campaigns/{campaign}/sending-status")
    word: str = answer.json()["diagnostics"]["status"]
    return word


async def test_nothing_leaves_outside_the_hours_and_days(tmp_path: Path) -> None:
    async with opened(tmp_path, plan=begun(FRIDAY)) as desk, desk.at(API) as client:
        campaign = await started(client)
        await add(client, campaign, *MANY)
        await desk.settled()

        left = times(desk)
        assert len(left) == len(MANY)
        assert all(9 <= at.hour < 18 and at.isoweekday() <= 5 for at in left)
        assert {at.date() for at in left} >= {dt.date(2026, 11, 23)}


async def test_a_change_of_the_clock_moves_the_hours_with_it(tmp_path: Path) -> None:
    # Clocks go back on Sunday, 25 October 2026, from UTC+3 to UTC+2.
    friday = dt.datetime(2026, 10, 23, 17, 0, tzinfo=ZONE)
    async with opened(tmp_path, plan=begun(friday)) as desk, desk.at(API) as client:
        campaign = await started(client, email_gap=60)
        await add(client, campaign, *MANY[:12])
        await desk.settled()

        left = times(desk)
        assert all(9 <= at.hour < 18 and at.isoweekday() <= 5 for at in left)
        first = next(at for at in left if at.date() > dt.date(2026, 10, 25))
        assert first.astimezone(dt.UTC).hour == 7


async def test_a_mailbox_keeps_its_gap_and_two_send_twice_as_much(
    tmp_path: Path,
) -> None:
    tuesday = dt.datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
    last = []
    for name, boxes in (("one", [MAILBOX]), ("two", [MAILBOX, OTHER])):
        async with (
            opened(tmp_path / name, plan=begun(tuesday, 1e5)) as desk,
            desk.at(API) as client,
        ):
            campaign = await started(
                client, email_list=boxes, email_gap=10, random_wait_max=5
            )
            await add(client, campaign, *MANY[:20])
            await desk.settled()

            lines = desk.events("mailed")
            for box in boxes:
                at = [line["engine_s"] for line in lines if line["from"] == box]
                gaps = [later - first for first, later in itertools.pairwise(at)]
                assert all(gap >= 600 - 1e-3 for gap in gaps)
            last.append(lines[-1]["engine_s"] - lines[0]["engine_s"])

    assert 1.5 < last[0] / last[1] < 2.6


@pytest.mark.parametrize(
    ("asked", "most", "speed"),
    [({"daily_limit": 7}, 7, QUICK), ({"email_gap": 0}, 50, 5e4)],
)
async def test_a_daily_limit_of_campaign_or_mailbox_moves_the_rest_to_the_next_day(
    tmp_path: Path, asked: dict[str, Any], most: int, speed: float
) -> None:
    plan = begun(dt.datetime(2026, 11, 24, 9, 0, tzinfo=ZONE), speed)
    async with opened(tmp_path, plan=plan) as desk, desk.at(API) as client:
        campaign = await started(client, **asked)
        await add(client, campaign, *MANY)
        await desk.settled()

        days = [at.date() for at in times(desk)]
        counts = {day: days.count(day) for day in days}
        assert max(counts.values()) == most
        assert len(days) == len(MANY)


async def test_it_says_why_it_sends_nothing(tmp_path: Path) -> None:
    saturday = dt.datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
    plan = begun(saturday, 1.0)
    async with opened(tmp_path, plan=plan) as desk, desk.at(API) as client:
        campaign = await started(client)
        await add(client, campaign, MANY[0])
        control = desk.at("/_sandbox")
        seen = [await why(client, campaign)]

        async def at(text: str) -> None:
            answer = await control.post("/clock", json={"engine_time": text})
            assert answer.status_code == 200, answer.text

        await at("2026-11-23T09:00:00+02:00")
        seen.append(await why(client, campaign))
        await client.post(f"/accounts/{MAILBOX}/pause")
        seen.append(await why(client, campaign))
        await client.post(f"/accounts/{MAILBOX}/resume")
        strangers = {"email_list": ["nobody@b.example"]}
        await client.patch(f"/campaigns/{campaign}", json=strangers)
        seen.append(await why(client, campaign))
        await client.patch(f"/campaigns/{campaign}", json={"daily_limit": 0})
        await client.patch(f"/campaigns/{campaign}", json={"email_list": [MAILBOX]})
        seen.append(await why(client, campaign))
        await client.post(f"/campaigns/{campaign}/pause")
        seen.append(await why(client, campaign))

        assert seen == [
            "out_of_schedule",
            "healthy",
            "all_accounts_unhealthy",
            "no_accounts_available",
            "daily_limit_met",
            "campaign_paused",
        ]
        await control.aclose()


async def test_a_clock_that_is_held_back_holds_the_mail_back(tmp_path: Path) -> None:
    before = dt.datetime(2026, 11, 23, 8, 59, 59, tzinfo=ZONE)
    plan = begun(before, 1.0)
    async with (
        opened(tmp_path, plan=plan) as desk,
        desk.at(API) as client,
        desk.at("/_sandbox") as control,
    ):
        campaign = await started(client)
        await add(client, campaign, MANY[0])
        back = {"engine_time": "2026-11-23T05:00:00+02:00"}
        held = await control.post("/clock", json=back)
        early = {"engine_time": "2026-11-23T05:00:00"}
        refused = await control.post("/clock", json=early)

        state = (await control.get("/state")).json()["data"]

        assert (held.status_code, refused.status_code) == (200, 400)
        assert state["engine_time"].startswith("2026-11-23T03:00:0")
        assert desk.events("mailed") == []
        await control.post("/clock", json={"engine_time": "2026-11-23T09:00:00+02:00"})
        await asyncio.sleep(
            0.1
        )  # not all is settled: at this speed a reply takes hours
        assert len(desk.events("mailed")) == 1


async def test_a_second_step_comes_after_its_delay_and_not_after_a_reply(
    tmp_path: Path,
) -> None:
    tuesday = dt.datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
    step = a_campaign()["sequences"][0]["steps"][0]
    second = {**step, "variants": [{"subject": "", "body": "Revin"}]}
    steps = [{**step, "delay": 1, "delay_unit": "days"}, second]
    async with (
        opened(
            tmp_path,
            plan=begun(tuesday, 1e5),
            cold_mail_reply=0.4,
            replies={"interested": 1},
        ) as desk,
        desk.at(API) as client,
    ):
        campaign = await started(
            client, sequences=[{"steps": steps}], stop_on_reply=True
        )
        await add(client, campaign, *MANY[:30])
        await desk.settled()

        lines = desk.events("mailed")
        first = {line["to"]: line for line in lines if line["place"] == 0}
        again = {line["to"]: line for line in lines if line["place"] == 1}
        answered = {
            line["sender"]: line["in_reply_to"] for line in desk.events("mail_reply")
        }
        early = {to for to, uid in answered.items() if uid == first[to]["email_id"]}
        assert 0 < len(again) < len(first) == 30
        assert not early & again.keys()
        for to, line in again.items():
            assert line["engine_s"] - first[to]["engine_s"] >= 86400
            assert line["subject"] == "Re: Oferta"


async def test_a_restart_sends_what_waits_and_nothing_twice(tmp_path: Path) -> None:
    saturday = dt.datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
    plan = begun(saturday, 1.0)
    async with opened(tmp_path, plan=plan) as desk, desk.at(API) as client:
        campaign = await started(client)
        await add(client, campaign, *MANY[:20])
        gone = desk.accepted()[3]["message_uid"]
        await client.delete(f"/leads/{gone}")
        blocked = await client.post(
            "/block-lists-entries", json={"bl_value": "x.example"}
        )
        assert desk.events("mailed") == []

    async with opened(tmp_path, plan={"speed": QUICK}) as desk, desk.at(API) as client:
        await desk.settled()
        lines = desk.events("mailed")
        again = await add(client, campaign, MANY[0], "a@x.example")
        shown = (await client.get(f"/campaigns/{campaign}")).json()
        entries = (await client.get("/block-lists-entries")).json()["items"]

    async with opened(tmp_path, plan={"speed": QUICK}) as desk:
        await desk.settled()
        whom = [line["to"] for line in lines]
        assert sorted(whom) == sorted({*MANY[:20]} - {MANY[3]})
        assert len(desk.events("mailed")) == len(lines)
        assert (again["duplicated_leads"], again["in_blocklist"]) == (1, 1)
        assert shown["status"] == 1
        assert entries == [blocked.json()]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (-1, "campaign_accounts_unhealthy"),
        (-2, "campaign_bounce_protect"),
        (-99, "campaign_account_suspended"),
        (3, "campaign_completed"),
    ],
)
async def test_a_campaign_that_the_vendor_stopped_sends_nothing_and_says_so(
    tmp_path: Path, status: int, word: str
) -> None:
    async with (
        opened(tmp_path) as desk,
        desk.at(API) as client,
        desk.at("/_sandbox") as control,
    ):
        campaign = await started(client)
        stop = {"id": campaign, "status": status}
        stopped = await control.post("/campaign", json=stop)
        wrong = await control.post("/campaign", json={**stop, "status": 7})
        none = await control.post("/campaign", json={**stop, "id": "x"})
        await add(client, campaign, *MANY)
        await desk.settled()

        shown = (await client.get(f"/campaigns/{campaign}")).json()
        codes = [answer.status_code for answer in (stopped, wrong, none)]
        assert codes == [200, 400, 404]
        assert (shown["status"], await why(client, campaign)) == (status, word)
        assert desk.events("mailed") == []


async def test_a_mailbox_that_cannot_connect_sends_nothing_until_it_can(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path) as desk,
        desk.at(API) as client,
        desk.at("/_sandbox") as control,
    ):
        campaign = await started(client)
        await control.post("/mailbox", json={"email": MAILBOX, "status": -1})
        await add(client, campaign, *MANY[:3])
        await desk.settled()
        shown = (await client.get(f"/accounts/{MAILBOX}")).json()
        before = len(desk.events("mailed"))

        await client.post(f"/accounts/{MAILBOX}/resume")
        await desk.settled()

        assert (shown["status"], before) == (-1, 0)
        assert len(desk.events("mailed")) == 3
