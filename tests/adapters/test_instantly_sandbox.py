"""The adapter against the sandbox: two readings of one vendor's documents agree."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from attrs import define, evolve, field
from tests.contract.instantly_workspace import NAMESPACE, SECRET

from outreach.adapters.instantly import (
    InstantlyGateway,
    InstantlyReader,
    open_client,
)
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    CampaignId,
    IntentId,
    StepId,
    StopId,
    TenantId,
)
from outreach.domain.message import Accepted, Parcel, Refused
from outreach.domain.provider_campaign import CampaignHold, CampaignPlan
from outreach.domain.stop import Stop, StopKind
from outreach.entrypoints.sandbox import Sandbox
from outreach.ports.gateway import Absent, Confirmed, Found, Held, Running
from outreach.testing.fault_server import Asked, FaultServer, Reaction, Says
from outreach.testing.gateway_bench import parcel

AMPLE: Final = timedelta(seconds=20)
FAST: Final = 40_000.0
TUESDAY: Final = datetime(2026, 12, 1, 8, tzinfo=UTC)
OURS: Final = uuid5(NAMESPACE, "our campaign")
PLAN: Final = CampaignPlan(
    AccountId(OURS), CampaignId(OURS), StepId(OURS), "agri", 1, "Europe/Berlin"
)
MAILBOXES: Final = ("ion@agro.example", "eu@agro.example")


@define
class Place:
    """Attributes:
    heard: what came in, in our words.
    """

    gateway: InstantlyGateway
    hook: str
    heard: list[SystemEvent] = field(factory=list)

    def react(self, asked: Asked) -> Reaction:
        assert asked.headers["x-outreach-webhook-secret"] == SECRET
        self.heard += InstantlyReader().read(asked.body)
        return Says(200, {"stored": 1})

    async def until(self, done: Callable[[SystemEvent], bool]) -> SystemEvent:
        async with asyncio.timeout(60):
            while True:
                found = next((one for one in self.heard if done(one)), None)
                if found is not None:
                    return found
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def sandboxed(
    folder: Path, *, profile: str = "calm", speed: float = 1.0
) -> AsyncIterator[Place]:
    with Sandbox.start(
        folder / "accepted.jsonl",
        mailboxes=MAILBOXES,
        profile=profile,
        speed=speed,
        begin=TUESDAY,
    ) as sandbox:
        client = open_client(
            sandbox.token, base_url=sandbox.instantly_url, user_agent="outreach tests"
        )
        gateway = InstantlyGateway(client, webhook_secret=SECRET)
        place = Place(gateway, "")
        async with FaultServer(place.react) as server:
            place.hook = f"{server.url}/webhooks/instantly"
            yield place
        await client.aclose()


def mail(number: int, campaign: str) -> Parcel:
    return evolve(
        parcel(f"Bună ziua {number}!\n{{{{x}}}} & co"),
        permit=Permit(Channel.EMAIL_COLD, State.COLD),
        to=f"lead{number}@firma{number}.ro",
        subject="O întrebare",
        campaign=campaign,
    )


def stop(kind: StopKind, sent: Parcel | None = None, ref: str = "") -> Stop:
    return Stop(
        id=StopId(OURS),
        tenant=TenantId(OURS),
        account=AccountId(OURS),
        kind=kind,
        about=str(sent.attempt if sent else OURS),
        cause="OPTED_OUT",
        at=TUESDAY,
        now=TUESDAY,
        ref=ref,
        to=sent.to if sent else "",
    )


async def test_what_is_added_is_found_doubled_by_nobody_and_taken_back(
    tmp_path: Path,
) -> None:
    async with sandboxed(tmp_path) as place:
        gateway = place.gateway
        running = await gateway.ensure(PLAN)
        assert isinstance(running, Running), running
        assert await gateway.ensure(PLAN) == running
        mails = [mail(number, running.ref) for number in range(230)]

        added = await gateway.send_many(mails[:225], AMPLE)
        again = await gateway.send_many(mails[:3], AMPLE)
        strangers = [
            evolve(one, attempt=AttemptId(UUID(int=n)), intent=IntentId(UUID(int=n)))
            for n, one in enumerate(mails[:2])
        ]
        refused = await gateway.send_many(strangers, AMPLE)
        found = await gateway.look_many(mails, TUESDAY)

        assert all(isinstance(one, Accepted) for one in added), added
        assert again == added[:3]
        assert all(isinstance(one, Refused) for one in refused), refused
        refs = [one.ref for one in added if isinstance(one, Accepted)]
        assert found == [*(Found(ref) for ref in refs), *([Absent()] * 5)]

        stops = [
            stop(StopKind.WITHDRAW, mails[0], refs[0]),
            stop(StopKind.WITHDRAW, mails[0], refs[0]),
            stop(StopKind.WITHDRAW, mails[1]),
            stop(StopKind.BLOCK, mails[2]),
            stop(StopKind.BLOCK, mails[2]),
            stop(StopKind.PAUSE, ref=running.ref),
            stop(StopKind.PAUSE),
        ]
        told = [await gateway.stop(one) for one in stops]

        assert all(isinstance(one, Confirmed) for one in told), told
        left = await gateway.look_many(mails[:3], TUESDAY)
        assert left == [Absent(), Absent(), Found(refs[2])]
        held = await gateway.ensure(PLAN, running.ref)
        assert isinstance(held, Held)
        assert held.hold is CampaignHold.PAUSED
        resumed = await gateway.resume(running.ref)
        assert not isinstance(resumed, Held) or resumed.hold is not CampaignHold.PAUSED


async def test_what_is_sent_comes_back_in_our_words_and_a_reply_is_answered(
    tmp_path: Path,
) -> None:
    async with sandboxed(tmp_path, profile="clear-line", speed=FAST) as place:
        gateway = place.gateway
        await gateway.register(place.hook)
        await gateway.register(place.hook)
        running = await gateway.ensure(PLAN)
        assert isinstance(running, Running), running
        mails = {
            str(one.attempt): one for one in (mail(n, running.ref) for n in range(400))
        }

        await gateway.send_many(list(mails.values()), AMPLE)
        sent = await place.until(lambda one: one.type is EventType.SENT)
        reply = await place.until(lambda one: one.type is EventType.REPLY)
        counts = await gateway.counts([running.ref])

        assert sent.ours
        assert sent.thread == ""
        for event in (sent, reply):
            ours = mails[event.ref]
            assert event.address is not None
            assert event.address.value == ours.to
            assert event.sender in MAILBOXES
        assert reply.content
        assert not [one for one in place.heard if one.type is EventType.UNKNOWN]
        assert len({one.key for one in place.heard}) == len(place.heard)
        assert counts[0].contacted >= 1

        warm = evolve(
            mails[reply.ref],
            permit=Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
            thread=reply.thread,
            text="Da, sigur.\nIon",
        )
        answered = await gateway.send(warm, AMPLE)
        found = await gateway.look(warm, datetime(2026, 1, 1, tzinfo=UTC))

        assert isinstance(answered, Accepted), answered
        assert found == Found(answered.ref, reply.thread)
