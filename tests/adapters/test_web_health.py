"""What machines ask: alive, ready, and how much of everything."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Final

from attrs import evolve
from structlog.testing import capture_logs
from tests.adapters.web_world import PATH, Web, asked, error_of, reply, speak

from outreach.domain.errors import Unavailable
from outreach.entrypoints.gauges import Gauges
from outreach.entrypoints.web.app import Limits, create_app
from outreach.ports.decisions import Summary

SUMMARY: Final = Summary(
    imported=1_200,
    enrolled=1_100,
    sent={"WHATSAPP": 7},
    deferred={"QUOTA_EXCEEDED": 3, "A_NEW_REASON": 2},
    events={"REPLY": 4},
    replies={"INTERESTED": 2},
    reviews={"URGENT": 1},
    suppressed=5,
    unknown=6,
    skipped={"NO_CHANNEL": 8},
    phones=(("+40720000001", 40, 2, 40), ("+40720000002", 3, 0, 40)),
    waiting={"NEW": 9},
)


async def well() -> None:
    return


async def ill() -> None:
    message = "postgres://user:canary-password@host"
    raise Unavailable(message)


async def asleep() -> None:
    await asyncio.Event().wait()


async def stubborn() -> None:
    """Cannot be cancelled, as a driver in the middle of a call cannot."""
    for _ in range(50):
        task = asyncio.ensure_future(asyncio.sleep(0.02))
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                continue


async def test_alive_is_alive_also_when_nothing_works() -> None:
    web = Web(probes={"database": ill})

    answer = await asked(web.app, "GET", "/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_every_probe_is_well() -> None:
    web = Web(probes={"redis": well, "database": well})

    answer = await asked(web.app, "GET", "/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": ["database", "redis"]}


async def test_not_ready_names_what_failed_and_nothing_more() -> None:
    probes = {"redis": well, "database": ill, "migrations": asleep}
    web = Web(probes=probes, limits=Limits(probe_within=timedelta(seconds=0.05)))

    with capture_logs() as logs:
        answer = await asked(web.app, "GET", "/readyz")

    assert answer.status_code == 503
    assert error_of(answer) == {
        "code": "SERVICE_UNAVAILABLE",
        "message": "not ready: database, migrations",
        "details": {"failed": ["database", "migrations"]},
    }
    assert {line["probe"] for line in logs} == {"database", "migrations"}
    assert "canary-password" not in answer.text + json.dumps(logs)


async def test_a_probe_that_cannot_be_cancelled_holds_nothing_up() -> None:
    limits = Limits(probe_within=timedelta(seconds=0.05))
    web = Web(probes={"redis": stubborn}, limits=limits)

    async with asyncio.timeout(0.7):
        answer = await asked(web.app, "GET", "/readyz")

    assert error_of(answer)["details"] == {"failed": ["redis"]}


async def test_many_who_ask_at_once_cost_one_question() -> None:
    questions = 0

    async def counting() -> None:
        nonlocal questions
        questions += 1
        await asyncio.sleep(0.05)

    web = Web(probes={"database": counting})
    async with speak(web.app) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert questions == 1


async def test_ready_again_once_the_probe_is_well() -> None:
    state = ill

    async def changing() -> None:
        await state()

    web = Web(probes={"database": changing})
    before = await asked(web.app, "GET", "/readyz")
    state = well
    after = await asked(web.app, "GET", "/readyz")

    assert (before.status_code, after.status_code) == (503, 200)


async def test_metrics_are_text_that_counts_what_came_in() -> None:
    web = Web()
    await asked(web.app, "POST", PATH, content=reply())

    answer = await asked(web.app, "GET", "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    stored = 'outreach_webhooks_total{outcome="stored",provider="timelinesai"} 1.0'
    lines = answer.text.splitlines()
    assert stored in lines
    assert 'outreach_events_taken_total{type="REPLY"} 1.0' in lines
    assert "outreach_webhook_seconds_count 1.0" in lines


async def test_the_stores_figures_are_read_at_most_every_fifteen_seconds() -> None:
    reads: list[float] = []

    async def read() -> Summary:
        reads.append(web.seconds)
        return evolve(SUMMARY, unknown=len(reads))

    web = Web()
    gauges = Gauges(web.metrics, read, monotonic=lambda: web.seconds)
    app = create_app(evolve(web.parts, gauges=gauges))
    async with speak(app) as client:
        await asyncio.gather(*(client.get("/metrics") for _ in range(20)))
        web.seconds = 14.9
        await client.get("/metrics")
        within = web.counted("outreach_sends_unknown")
        web.seconds = 15.0
        await client.get("/metrics")

    assert (within, web.counted("outreach_sends_unknown")) == (1, 2)
    assert reads == [0, 15]


async def test_figures_carry_closed_labels_and_no_number_of_a_phone() -> None:
    async def read() -> Summary:
        return SUMMARY

    async def next_wake() -> timedelta:
        return timedelta(seconds=3)

    web = Web()
    gauges = Gauges(web.metrics, read, next_wake)
    app = create_app(evolve(web.parts, gauges=gauges))
    answer = await asked(app, "GET", "/metrics")

    assert "+4072" not in answer.text
    assert "A_NEW_REASON" not in answer.text
    assert {
        name: web.counted(f"outreach_{name}")
        for name in (
            *("leads_imported", "leads_enrolled", "figures_up", "next_due_seconds"),
            *('sends_accepted{channel="WHATSAPP"}', 'deferrals{reason="OTHER"}'),
            *('deferrals{reason="QUOTA_EXCEEDED"}', 'messages_waiting{class="NEW"}'),
            *("phones", "phones_full", "quota_used", "quota_limit"),
        )
    } == {
        "leads_imported": 1_200,
        "leads_enrolled": 1_100,
        "figures_up": 1,
        "next_due_seconds": 3,
        'sends_accepted{channel="WHATSAPP"}': 7,
        'deferrals{reason="OTHER"}': 2,
        'deferrals{reason="QUOTA_EXCEEDED"}': 3,
        'messages_waiting{class="NEW"}': 9,
        "phones": 2,
        "phones_full": 1,
        "quota_used": 43,
        "quota_limit": 80,
    }


async def test_a_store_that_is_down_or_hangs_fails_no_scrape() -> None:
    hangs = False

    async def read() -> Summary:
        if hangs:
            await asyncio.Event().wait()
        return SUMMARY

    web = Web()
    gauges = Gauges(
        web.metrics,
        read,
        patience=timedelta(seconds=0.05),
        monotonic=lambda: web.seconds,
    )
    app = create_app(evolve(web.parts, gauges=gauges))
    async with speak(app) as client:
        await client.get("/metrics")
        hangs, web.seconds = True, 20.0
        answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert web.counted("outreach_figures_up") == 0
    assert web.counted("outreach_leads_imported") == 1_200
    assert web.counted("outreach_figures_age_seconds") == 20


async def test_figures_never_read_are_not_shown_as_zero() -> None:
    async def read() -> Summary:
        message = "down"
        raise Unavailable(message)

    web = Web()
    app = create_app(evolve(web.parts, gauges=Gauges(web.metrics, read)))
    answer = await asked(app, "GET", "/metrics")

    assert "outreach_figures_up 0.0" in answer.text
    assert "outreach_leads_imported" not in answer.text
