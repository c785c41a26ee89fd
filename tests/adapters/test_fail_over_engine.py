"""Warm mail through an engine over real stores, Resend's wire and a second account.

The first provider fails in one way or another; what each of them accepted is the judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from tests.e2e.command_line import command_line

from outreach.adapters.resend import ResendGateway, open_client
from outreach.domain.change import Known
from outreach.domain.channel import Channel
from outreach.domain.health import PROBE_FIRST, AccountHealth, HealthState
from outreach.domain.ids import Incarnation, IntentId, account_id
from outreach.domain.journey import Fact, Moved, happened
from outreach.domain.message import Outcome
from outreach.domain.pacing import Pacing
from outreach.domain.sender import SendClass, Sender, SenderState
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.sandbox.journal import read_lines
from outreach.entrypoints.settings import ProviderTable, Secret, Settings
from outreach.testing.world import World

WHO: Final = Incarnation("worker/test")
WARM: Final = Channel.EMAIL_WARM
APPROVED: Final = {
    "send_class": SendClass.APPROVED,
    "permission": "ana",
    "subject": "Re: Ofertă",
}
AMPLE: Final = timedelta(seconds=10)
MINUTE: Final = timedelta(minutes=1)
HOURS: Final = timedelta(hours=2)
ACCOUNTS: Final = ("+40720000001",)


@frozen
class Place:
    engine: Engine
    world: World
    first: Sandbox
    second: Sandbox
    boxes: tuple[Sender, Sender]
    folder: Path

    async def mails(self, many: int) -> list[IntentId]:
        """Approved replies by mail, which wait for the first provider's mailbox."""
        world, (box, _) = self.world, self.boxes
        leads = await world.new_leads(many, mail=True)
        await world.enrolled(leads, within=1_000 * HOURS)
        found: list[IntentId] = []
        for lead in leads:
            await world.changed(lead, _replied)
            found.append(await world.mail(box, lead, channel=WARM, **APPROVED))
        return found

    async def work(self, rounds: int, step: timedelta = MINUTE) -> None:
        """What a worker does, *step* of engine time after *step*."""
        parts = self.engine.container
        for _ in range(rounds):
            for _ in range(5):
                if not await parts.do_duties()(WHO):
                    break
            for claim in await parts.lanes().claim(WHO, {}, 10):
                await parts.send()(claim, time.monotonic())
            await self.world.advance_engine(step)

    def accepted(self) -> tuple[Counter[str], Counter[str]]:
        """Whom each provider has taken a mail for, by its own log."""
        logs = (self.folder / "first.jsonl", self.folder / "second.jsonl")
        first, second = (
            Counter(line["to"] for line in read_lines(log)) for log in logs
        )
        return first, second

    async def health(self) -> AccountHealth:
        found = await self.engine.container.accounts().health(self.engine.tenant)
        return next(one for one in found if one.provider == "resend")

    async def incidents(self) -> list[str]:
        """Kinds of what people were told of, and is not over."""
        rows = await self.engine.container.database().rows("SELECT kind FROM incidents")
        return sorted(row["kind"] for row in rows)

    async def outcomes(self, mails: list[IntentId]) -> list[list[tuple[str, str]]]:
        """Of each mail, the provider and outcome of each of its attempts."""
        rows = await self.engine.container.database().rows(
            """
            SELECT a.intent_id, s.provider, a.outcome FROM attempts a
              JOIN senders s ON s.id = a.sender_id ORDER BY a.n
            """,
            tenant=self.engine.tenant,
        )
        return [
            [
                (row["provider"], row["outcome"])
                for row in rows
                if row["intent_id"] == mail
            ]
            for mail in mails
        ]


def _replied(known: Known) -> Moved:
    return happened(known.journey, Fact.REPLIED, known.now, by="reply")


def _world(engine: Engine) -> World:
    parts, tenant = engine.container, engine.tenant

    async def advance(by: timedelta) -> None:
        await parts.database().rows(
            "UPDATE engine_clock SET position = engine_now() + %s, speed = 1, "
            "ticked_at = clock_timestamp()",
            (by,),
        )

    return World(
        lanes=parts.lanes(),
        allocations=parts.allocations(),
        intents=parts.intents(),
        intros=parts.intros(),
        journeys=parts.journeys(),
        inbox=parts.inbox(),
        duties=parts.duties(),
        clock=parts.clock(),
        campaigns=parts.campaigns(),
        consents=parts.consents(),
        senders=parts.senders(),
        accounts=parts.accounts(),
        switches=parts.switches(),
        watch=parts.watch_senders().watch,
        stops=parts.stops(),
        hosted=parts.hosted(),
        reviews=parts.reviews(),
        decisions=parts.decisions(),
        leads=parts.leads(),
        audit=parts.audit(),
        instance=parts.instance(),
        timing=parts.timing(),
        advance_engine=advance,
        advance_machine=advance,
        tenant=tenant,
        stranger=tenant,
    )


@contextlib.asynccontextmanager
async def opened(
    urls: Urls, folder: Path, *, key: str = "", **knobs: Any
) -> AsyncIterator[Place]:
    """An engine with the first provider's account, and a second one beside it."""
    plain: dict[str, Any] = {"resend_requests_per_s": 0, "mail_bounced": 0}
    with (
        Sandbox.start(
            folder / "first.jsonl",
            accounts=ACCOUNTS,
            profile="calm",
            knobs=plain | knobs,
        ) as first,
        Sandbox.start(
            folder / "second.jsonl", accounts=ACCOUNTS, profile="calm", knobs=plain
        ) as second,
    ):
        table = ProviderTable(
            api_key=Secret(key or first.token), base_url=first.resend_url
        )
        settings = Settings(data_dir=str(folder), resend=table)
        client = open_client(
            second.token, base_url=second.resend_url, user_agent="outreach tests"
        )
        async with open_engine(settings, urls, reach_providers=True) as engine:
            other = account_id(engine.tenant, "ses", "default")
            gateway = ResendGateway(client, ask_within=AMPLE)
            unbound = table.allowance
            engine.gateways.add(other, "ses", gateway, unbound, engine.metrics)
            world = _world(engine)
            boxes = [
                (
                    await world.mailboxes(
                        channel=WARM,
                        provider=provider,
                        provider_account="default",
                        number=number,
                        pacing=Pacing(timedelta(), timedelta()),
                    )
                )[0]
                for provider, number in (
                    ("resend", "ana@agro.example"),
                    ("ses", "ana.pop@agro.example"),
                )
            ]
            await world.advance_engine(MINUTE)
            yield Place(engine, world, first, second, (boxes[0], boxes[1]), folder)
        await client.aclose()


@pytest.fixture
def urls(fresh_postgres_url: str, empty_redis_url: str) -> Urls:
    return Urls(fresh_postgres_url, empty_redis_url)


async def test_a_provider_that_refuses_for_now(urls: Urls, tmp_path: Path) -> None:
    async with opened(urls, tmp_path, rate_limited=1.0) as place:
        mails = await place.mails(4)

        await place.work(12)

        first, second = place.accepted()
        known = await place.health()
        tries = await place.outcomes(mails)
        told = await place.incidents()

    assert first == Counter()
    assert (len(second), max(second.values())) == (4, 1)
    assert known.health.state is HealthState.AWAY
    assert "429" in known.health.why
    assert known.moved == 4
    for one in tries:
        assert one[-1] == ("ses", "ACCEPTED")
        assert set(one[:-1]) <= {("resend", "RELEASED")}
    assert told == ["provider.unhealthy"]
    await asyncio.to_thread(_told_by_commands, urls, tmp_path, next(iter(second)))


def _told_by_commands(urls: Urls, folder: Path, address: str) -> None:
    env = {
        "OUTREACH_DATABASE_URL": urls.database,
        "OUTREACH_REDIS_URL": urls.redis,
        "OUTREACH_DATA_DIR": str(folder),
    }
    with command_line(**env) as call:
        status = call("status", "--json").json()
        shown = call("status")
        why = call("why", address, "--json").json()
        said = call("why", address)
        doctor = call("doctor", "--json")

    states = {one["provider"]: one["state"] for one in status["warm_accounts"]}
    checks = {one["check"]: one for one in json.loads(doctor.out)["checks"]}
    assert states == {"resend": "AWAY", "ses": "HEALTHY"}
    assert "Providers of warm mail" in shown.out
    assert checks["resend serves"]["level"] == "warn"
    assert checks["ses serves"]["level"] == "ok"
    assert why["recorded"][-1]["through"] == "ses, ana.pop@agro.example"
    assert [one["provider"] for one in why["passed_on"]] == ["resend"]
    story = " ".join(said.out.split())
    assert "through ses, ana.pop@agro.example; the provider accepted it." in story
    assert "a mail went on from resend, ana@agro.example, to the next" in story


async def test_a_provider_that_does_not_accept_our_key(
    urls: Urls, tmp_path: Path
) -> None:
    async with opened(urls, tmp_path, key="re_wrong") as place:
        mails = await place.mails(2)

        await place.work(4)

        first, second = place.accepted()
        known = await place.health()
        tries = await place.outcomes(mails)
        box, _ = place.boxes
        sender = await place.engine.container.senders().by_id(box.tenant, box.id)

    assert first == Counter()
    assert (len(second), max(second.values())) == (2, 1)
    assert known.health.state is HealthState.AWAY
    assert sender.state is SenderState.OFFLINE
    assert [len(one) for one in tries] == [2, 1]
    assert tries[0] == [("resend", "RELEASED"), ("ses", "ACCEPTED")]


async def test_a_provider_of_which_nobody_knows_whether_it_took_it(
    urls: Urls, tmp_path: Path
) -> None:
    """Its 5xx may come after acceptance: those mails stay, new ones go elsewhere."""
    async with opened(urls, tmp_path, unavailable=1.0) as place:
        lost = await place.mails(4)
        await place.work(5)
        new = await place.mails(2)
        await place.work(4)

        first, second = place.accepted()
        known = await place.health()
        stayed, went = await place.outcomes(lost), await place.outcomes(new)

    assert known.health.state is HealthState.AWAY
    assert stayed == [[("resend", "UNKNOWN")]] * 4
    assert went == [[("ses", "ACCEPTED")]] * 2
    assert first == Counter()
    assert (len(second), max(second.values())) == (2, 1)


async def test_one_that_serves_again_gets_its_mail_back(
    urls: Urls, tmp_path: Path
) -> None:
    async with opened(urls, tmp_path, key="re_wrong") as place:
        await place.mails(1)
        await place.work(3)
        engine, (box, _) = place.engine, place.boxes
        # Somebody corrects the key and says so.
        table = evolve(engine.settings.resend, api_key=Secret(place.first.token))
        client = open_client(
            table.api_key.reveal, base_url=table.base_url, user_agent="outreach tests"
        )
        gateway = ResendGateway(client, ask_within=AMPLE)
        engine.gateways.add(
            box.account, "resend", gateway, table.allowance, engine.metrics
        )
        sender = await engine.container.senders().by_id(box.tenant, box.id)
        able = evolve(sender, state=SenderState.ACTIVE)
        await engine.container.senders().change(sender, able, by="ana")
        mails = await place.mails(1)
        await place.world.advance_engine(2 * PROBE_FIRST)
        mails += await place.mails(4)

        await place.work(8)

        first, second = place.accepted()
        known = await place.health()
        tries = await place.outcomes(mails)
        told = await place.incidents()
        await client.aclose()

    assert known.health.state is not HealthState.AWAY
    assert sum(first.values()) >= 2
    assert max((first + second).values()) == 1
    assert {one[-1][1] for one in tries} == {str(Outcome.ACCEPTED)}
    assert told == ["mailbox.paused"]  # which a person ends, who lets it go on
