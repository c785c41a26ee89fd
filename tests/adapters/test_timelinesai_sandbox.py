"""The adapter against the sandbox: two readings of one vendor's documents agree."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import evolve

from outreach.adapters.timelinesai import (
    TimelinesGateway,
    TimelinesReader,
    open_client,
)
from outreach.adapters.timelinesai.wire import EVENT_TYPES
from outreach.domain.allowance import Counted, Period, Use
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import (
    Accepted,
    MessageStatus,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.entrypoints.sandbox import Sandbox
from outreach.ports.gateway import Absent, Found
from outreach.testing.fault_server import FaultServer, Says
from outreach.testing.gateway import OURS, THEIRS, parcel

AMPLE: Final = timedelta(seconds=10)
PATIENCE: Final = timedelta(seconds=60)
FAST: Final = 100_000.0
EXPECTED: Final = {
    "message:sent:new": EventType.SENT,
    "message:received:new": EventType.REPLY,
    "message:reaction": EventType.READ,
    "whatsapp:account:connected": EventType.SENDER_CONNECTED,
    "whatsapp:account:disconnected": EventType.SENDER_DISCONNECTED,
}


@contextlib.asynccontextmanager
async def sandboxed(
    folder: Path, *, profile: str = "calm", speed: float = 1.0, **knobs: object
) -> AsyncIterator[tuple[Sandbox, TimelinesGateway]]:
    log = folder / "accepted.jsonl"
    with Sandbox.start(
        log, accounts=OURS, profile=profile, speed=speed, knobs=knobs
    ) as sandbox:
        client = open_client(
            sandbox.token, base_url=sandbox.base_url, user_agent="outreach tests"
        )
        try:
            yield sandbox, TimelinesGateway(client, ask_within=AMPLE)
        finally:
            await client.aclose()


async def test_what_is_sent_is_accepted_found_and_followed(tmp_path: Path) -> None:
    async with sandboxed(tmp_path, speed=FAST) as (sandbox, gateway):
        since = datetime.now(UTC)
        first = await gateway.send(parcel("one"), AMPLE)
        found = await gateway.look(parcel("one"), since)
        assert isinstance(first, Accepted)
        assert isinstance(found, Found)
        assert found.ref == first.ref

        second = await gateway.send(parcel("two", thread=found.thread), AMPLE)
        again = await gateway.look(parcel("two", thread=found.thread), since)
        assert isinstance(second, Accepted)
        assert again == Found(second.ref, found.thread)
        assert await gateway.look(parcel("three"), since) == Absent()

        told = await gateway.statuses([first.ref, "nobody-knows", second.ref])
        lines = sandbox.accepted()

    assert [line["text"] for line in lines] == ["one", "two"]
    assert {line["from"] for line in lines} == {OURS[0]}
    assert [one.ref for one in told] == [first.ref, second.ref]
    for one in told:
        assert one.status is not MessageStatus.UNKNOWN
        assert (one.sender, one.thread) == (OURS[0], found.thread)


async def test_each_fault_of_the_line_is_what_the_table_says(tmp_path: Path) -> None:
    expected = {
        "rate_limited": (NotAccepted, 0),
        "unavailable": (NotAccepted, 0),
        "edge_refused": (NotAccepted, 0),
        "lost_before": (UnknownOutcome, 0),
        "lost_after": (UnknownOutcome, 1),
        "slow": (Accepted, 1),
    }
    async with sandboxed(tmp_path, slow_longest_s=0.05) as (sandbox, gateway):
        for place, (fault, (kind, accepted)) in enumerate(expected.items()):
            sandbox.change(**dict.fromkeys(expected, 0) | {fault: 1})
            since, before = datetime.now(UTC), len(sandbox.accepted())
            to = evolve(parcel(fault), to=f"{THEIRS}{place}")

            answer = await gateway.send(to, AMPLE)

            assert isinstance(answer, kind), (fault, answer)
            assert len(sandbox.accepted()) - before == accepted, fault
            looked = await gateway.look(to, since)
            assert isinstance(looked, Found if accepted else Absent), fault
            if isinstance(answer, NotAccepted):
                assert answer.lane
                assert answer.signal is None
                wait = timedelta(seconds=1) if fault == "rate_limited" else None
                assert answer.retry_after == wait


async def test_a_number_that_whatsapp_refuses_is_refused_for_good(
    tmp_path: Path,
) -> None:
    async with sandboxed(tmp_path) as (_, gateway):
        answer = await gateway.send(evolve(parcel(), to="+40"), AMPLE)

    assert answer == Refused(Refusal.INVALID_RECIPIENT, "400 wrong phone number")


async def test_a_phone_that_is_gone_and_a_key_that_is_revoked_are_told_apart(
    tmp_path: Path,
) -> None:
    async with sandboxed(tmp_path) as (sandbox, gateway):
        sandbox.set_account(OURS[0], "disconnected")
        gone = await gateway.send(parcel(), AMPLE)
        listed = {one.number: one.connected for one in await gateway.senders()}
        sandbox.change(revoked_after=0)
        revoked = await gateway.send(parcel(), AMPLE)

    assert isinstance(gone, NotAccepted)
    assert gone.signal is SenderSignal.DISCONNECTED
    assert listed == {OURS[0]: False, OURS[1]: True}
    assert isinstance(revoked, NotAccepted)
    assert revoked.signal is SenderSignal.AUTH_FAILED


async def test_another_sender_than_the_planned_one_is_seen(tmp_path: Path) -> None:
    async with sandboxed(tmp_path, profile="wrong-sender") as (_, gateway):
        answer = await gateway.send(parcel(), AMPLE)
        assert isinstance(answer, Accepted)
        (told,) = await gateway.statuses([answer.ref])

    assert told.sender == OURS[1]


async def test_the_edge_never_sees_a_hundred_requests_on_one_connection(
    tmp_path: Path,
) -> None:
    async with sandboxed(tmp_path, requests_per_connection=100) as (sandbox, gateway):
        for _ in range(120):
            await gateway.senders()

        assert not sandbox.events("403")


async def test_webhooks_are_registered_once_and_read_as_they_come(
    tmp_path: Path,
) -> None:
    async with (
        FaultServer(lambda _: Says(200)) as hooks,
        sandboxed(tmp_path, speed=FAST, reply_to_first=1, reaction=1) as (box, gateway),
    ):
        for _ in range(2):
            await gateway.register(f"{hooks.url}/webhooks/timelinesai/t0ken")
        for number in range(8):
            to = f"+4073200{number:04d}"
            await gateway.send(evolve(parcel(), to=to), AMPLE)
        box.set_account(OURS[1], "disconnected")
        box.set_account(OURS[1], "active")
        async with asyncio.timeout(AMPLE.total_seconds()):
            while {one.json()["event_type"] for one in hooks.asked} < EXPECTED.keys():
                await hooks.until_asked(len(hooks.asked) + 1)

    bodies = {one.body for one in hooks.asked}
    events = [event for body in bodies for event in TimelinesReader().read(body)]
    assert {event.type for event in events} == set(EXPECTED.values())
    assert len({event.key for event in events}) == len(bodies) == len(hooks.asked)
    for event in events:
        assert (
            event.type
            is EXPECTED[event.key.partition(f":{event.ref or OURS[1][1:]}")[0]]
        )
        assert event.sender in OURS
        assert event.occurred_at is not None
        if event.type in {EventType.SENT, EventType.REPLY, EventType.READ}:
            assert event.address is not None
            assert event.thread
        if event.type is EventType.SENT:
            assert event.ours
            assert event.content == parcel().text


async def test_conversations_are_told_again_with_the_keys_and_words_of_their_webhooks(
    tmp_path: Path,
) -> None:
    since = datetime.now(UTC).replace(microsecond=0)
    async with (
        FaultServer(lambda _: Says(200)) as hooks,
        sandboxed(tmp_path, webhook_jitter_engine_s=0) as (box, gateway),
    ):
        await gateway.register(f"{hooks.url}/webhooks/timelinesai/t0ken")
        for number in range(3):
            them = f"+4073200{number:04d}"
            await gateway.send(evolve(parcel(f"{number}"), to=them), AMPLE)
            box.say(OURS[0], them, f"Da, {number} 👍")
            box.write_by_hand(OURS[1], them, f"Vă sun, {number}")
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await hooks.until_asked(9)
        told = await gateway.history(since, since)

    def read(bodies: Iterable[bytes]) -> set[SystemEvent]:
        return {event for body in bodies for event in TimelinesReader().read(body)}

    again = read(told.bodies)
    assert again == read(one.body for one in hooks.asked)
    assert Counter(event.type for event in again) == {
        EventType.SENT: 6,
        EventType.REPLY: 3,
    }
    assert sum(event.ours is False for event in again) == 3


async def test_the_plan_is_told_as_it_is_used(tmp_path: Path) -> None:
    async with sandboxed(tmp_path, messaging_quota=9) as (_, gateway):
        await gateway.send(parcel(), AMPLE)

        messages, calls = await gateway.use()

    assert messages == Use(Period.MONTH, 1, 9)
    assert (calls.counted, calls.used) == (Counted.CALLS, 2)


async def test_a_webhook_under_an_earlier_address_is_moved_and_not_doubled(
    tmp_path: Path,
) -> None:
    places = [f"http://127.0.0.1:{port}/webhooks/timelinesai/t" for port in range(3)]
    async with sandboxed(tmp_path) as (sandbox, gateway):
        for place in places:
            await gateway.register(place)

        kept = sandbox.log.with_name(f"{sandbox.log.name}.state.json")
        there = json.loads(kept.read_text())["webhooks"]

    assert {one["url"] for one in there} == {places[-1]}
    assert sorted(one["event_type"] for one in there) == sorted(EVENT_TYPES)
