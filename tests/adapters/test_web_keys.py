"""Webhooks whose key must be fetched first: from its own host, and not for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from tests.adapters.ses_events import event
from tests.adapters.web_world import Web, asked, error_of
from tests.contract.sns_topic import HOST, PEM, TOPIC, SnsBench, Topic, opened

from outreach.adapters.ses import SesReader, signatures
from outreach.domain.event import EventType
from outreach.entrypoints.web.app import Limits, WebhookRoute
from outreach.testing.fault_server import FaultServer, Hangs
from outreach.testing.incoming_keys import Delivery

PATH: Final = "/webhooks/ses"
BRIEF: Final = timedelta(milliseconds=200)
SLACK_S: Final = 2.0


@pytest.fixture
async def bench() -> AsyncIterator[SnsBench]:
    async with opened() as bench:
        yield bench


def web(bench: SnsBench, **facts: Any) -> Web:
    route = WebhookRoute("ses", "default", SesReader(), signed=bench.checks)
    return Web(routes=(route,), **facts)


async def deliver(there: Web, one: Delivery) -> Any:
    headers = dict(one.headers)
    return await asked(there.app, "POST", PATH, content=one.raw, headers=headers)


async def test_what_a_topic_of_ours_signed_is_stored_once(bench: SnsBench) -> None:
    there = web(bench)
    one = bench.topic.notification(event("Complaint"))

    answers = [await deliver(there, one) for _ in range(3)]

    assert [answer.json() for answer in answers] == [
        {"stored": 1},
        {"stored": 0},
        {"stored": 0},
    ]
    (arrival,) = await there.stored()
    assert (arrival.provider, arrival.account) == ("ses", "default")
    assert (arrival.type, arrival.raw) == (EventType.COMPLAINT, one.raw)
    assert bench.asked == 1
    assert there.webhooks("stored", "ses") == 1


async def test_a_repetition_under_another_id_is_stored_once(bench: SnsBench) -> None:
    there = web(bench)
    first = bench.topic.notification(event("Bounce"))
    again = bench.topic.notification(event("Bounce"), MessageId="another")

    answers = [await deliver(there, one) for one in (first, again)]

    assert [answer.json()["stored"] for answer in answers] == [1, 0]


@pytest.mark.parametrize(
    "one",
    [
        Topic(url=f"https://evil.example{PEM}").notification("{}"),
        Topic(url=f"{HOST}.evil.example{PEM}").notification("{}"),
        Topic(url=f"http://169.254.169.254{PEM}").notification("{}"),
        Topic(arn=TOPIC.replace("outreach", "another")).notification("{}"),
        Topic(arn=TOPIC.replace("123456789012", "210987654321")).handshake(),
        Delivery(Topic().notification("{}").headers, b"{}"),
        Delivery(Topic().notification("{}").headers, b"\xff"),
        Delivery({}, Topic().notification("{}").raw),
    ],
)
async def test_a_stranger_is_401_and_has_nothing_fetched(
    bench: SnsBench, one: Delivery
) -> None:
    there = web(bench)

    answer = await deliver(there, one)

    assert answer.status_code == 401
    assert bench.asked == 0
    assert await there.stored() == []
    assert there.webhooks("unauthorized", "ses") == 1


async def test_a_forged_delivery_is_401_though_its_key_is_the_vendors(
    bench: SnsBench,
) -> None:
    there = web(bench)

    answer = await deliver(there, Topic(by="mine").notification(event("Bounce")))

    assert answer.status_code == 401
    assert await there.stored() == []


async def test_a_subscription_is_confirmed_and_kept(bench: SnsBench) -> None:
    there = web(bench)

    answer = await deliver(there, bench.subscription())

    assert answer.json() == {"stored": 1}
    assert bench.confirmed == 1
    (arrival,) = await there.stored()
    assert arrival.type is EventType.UNKNOWN


async def test_a_forged_subscription_is_not_confirmed(bench: SnsBench) -> None:
    there = web(bench)

    answer = await deliver(there, Topic(by="mine").handshake())

    assert answer.status_code == 401
    assert bench.confirmed == 0


async def test_a_host_that_is_away_is_503_and_the_repetition_is_taken(
    bench: SnsBench,
) -> None:
    there = web(bench)
    one = bench.topic.notification(event("Bounce"))
    await bench.go_away(away=True)

    away = await deliver(there, one)
    await bench.go_away(away=False)
    back = await deliver(there, one)

    assert away.status_code == 503
    assert away.headers["retry-after"] == "5"
    assert "key" in error_of(away)["message"]
    assert back.json() == {"stored": 1}
    assert there.webhooks("unavailable", "ses") == 1


async def test_a_subscription_that_cannot_be_confirmed_is_503_and_not_stored(
    bench: SnsBench,
) -> None:
    there = web(bench)
    await deliver(there, bench.signed())  # its key is known now
    await bench.go_away(away=True)

    answer = await deliver(there, bench.subscription())

    assert answer.status_code == 503
    assert len(await there.stored()) == 1
    assert bench.confirmed == 0


async def test_a_slow_host_holds_a_delivery_no_longer_than_the_routes_limit() -> None:
    async with FaultServer(lambda _: Hangs()) as server:
        checks = signatures([TOPIC], user_agent="tests", stand_in=server.url)
        assert checks is not None
        route = WebhookRoute("ses", "default", SesReader(), signed=checks)
        there = Web(routes=(route,), limits=Limits(learn_within=BRIEF))
        one = Topic().notification(event("Bounce"))
        began = time.monotonic()

        answers = await asyncio.gather(*(deliver(there, one) for _ in range(5)))
        took = time.monotonic() - began

    assert [answer.status_code for answer in answers] == [503] * 5
    assert took < BRIEF.total_seconds() + SLACK_S
    assert await there.stored() == []
    assert there.webhooks("unavailable", "ses") == 5


async def test_strangers_are_slowed_down_and_the_vendor_is_not(
    bench: SnsBench,
) -> None:
    there = web(bench, limits=Limits(failures=2))
    forged = Topic(by="mine").notification("{}")

    answers = [(await deliver(there, forged)).status_code for _ in range(4)]
    ours = await deliver(there, bench.topic.notification(event("Bounce")))

    assert answers == [401, 401, 429, 429]
    assert ours.status_code == 200
