"""The engine in somebody's application: in memory, and the same calls on servers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.adapters.web_world import speak
from tests.contract.timelines_workspace import KEY, PREFIX, opened
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.house.tree import ROOT

import outreach
from outreach import Outreach
from outreach.adapters.memory import EPOCH
from outreach.adapters.postgres.migrate import migrate
from outreach.domain.channel import State
from outreach.domain.errors import Misconfigured, NotFound, Refused
from outreach.domain.message import Accepted, Answer, Parcel
from outreach.domain.sequence import Override
from outreach.entrypoints.settings import ProviderTable, Secret, Settings

AGRI: Final = ROOT / "examples/agri"
DAY: Final = timedelta(hours=10)
TUESDAY: Final = datetime(2026, 3, 3, 8, tzinfo=UTC)
TOKEN: Final = "token-of-the-webhooks"


@pytest.fixture
def files(tmp_path: Path) -> CampaignFiles:
    return write_campaign(tmp_path, leads=12, phones=3, limit=40, follow_up_minutes=60)


async def prepared(engine: Outreach, files: CampaignFiles) -> None:
    await engine.import_senders(files.senders)
    await engine.import_leads(files.leads)
    await engine.enroll(files.sequence)


def said_by(number: str, ours: str, text: str) -> bytes:
    """A prospect's message, as TimelinesAI sends it."""
    said = {
        "event_type": "message:received:new",
        "chat": {"chat_id": 1, "is_group": False, "phone": number},
        "whatsapp_account": {"phone": ours},
        "message": {
            "text": text,
            "direction": "received",
            "timestamp": "2026-03-02 10:00:00 +0000",
            "message_uid": "c7ec509d-0171",
            "sender": {"phone": number},
            "recipient": {"phone": ours},
        },
    }
    return json.dumps(said).encode()


async def test_leads_are_imported_enrolled_and_sent_in_memory(
    files: CampaignFiles,
) -> None:
    async with Outreach.in_memory() as engine:
        await prepared(engine, files)
        await engine.work(until=await engine.now() + DAY)

        sent = engine.sent("timelinesai")
        assert len(sent) == 24
        assert Counter(parcel.to for parcel in sent) == dict.fromkeys(files.numbers, 2)
        assert (await engine.summary()).sent == {"WHATSAPP": 24}
        assert await engine.audit() == ()


async def test_the_example_goes_out_on_both_channels_within_its_limits() -> None:
    async with Outreach.in_memory() as engine:
        await engine.import_senders(AGRI / "senders-mail.toml")
        report = await engine.import_leads(AGRI / "leads.csv")
        enrolled = await engine.enroll(AGRI / "sequence-mail.toml")
        await engine.work(until=await engine.now() + DAY)

        by_phone = Counter(one.sender_number for one in engine.sent("timelinesai"))
        mails = engine.sent("instantly")
        assert (report.imported, enrolled.enrolled) == (1280, 1244)
        assert max(by_phone.values()) <= 40
        assert len(mails) > 100
        assert all(one.unsubscribe for one in mails)
        assert engine.sent("resend") == []


async def test_the_same_seed_does_the_same_and_another_does_not(
    files: CampaignFiles,
) -> None:
    async def play(seed: int) -> tuple[Any, ...]:
        async with Outreach.in_memory(seed=seed) as engine:
            await prepared(engine, files)
            await engine.work(until=await engine.now() + timedelta(minutes=3))
            return tuple((one.to, one.text) for one in engine.sent("timelinesai"))

    first = await play(7)

    assert first
    assert first == await play(7)
    assert first != await play(8)


async def test_a_reply_that_is_handed_over_stops_the_follow_up(
    files: CampaignFiles,
) -> None:
    async with Outreach.in_memory() as engine:
        await prepared(engine, files)
        await engine.work(until=await engine.now() + timedelta(minutes=20))
        first = engine.sent("timelinesai")[0]
        body = said_by(first.to, first.sender_number, "Sunt interesat, cât costă?")

        new = [await engine.receive("timelinesai", body) for _ in range(2)]
        await engine.work(until=await engine.now() + DAY)

        found = await engine.why(first.to)
        to_them = [one for one in engine.sent("timelinesai") if one.to == first.to]
        assert new == [1, 0]
        assert found.explained.state == State.WARM_REPLY
        assert len(to_them) == 1
        assert sum((await engine.summary()).reviews.values()) == 1


async def test_a_webhook_that_is_handed_over_is_stored_as_the_web_app_stores_it() -> (
    None
):
    told = {"event": "unheard.of", "apikey": "canary-of-an-instance", "data": {}}
    batch = [
        {
            "event": "delivered",
            "sg_event_id": f"e{n}",
            "sg_message_id": "m",
            "email": to,
        }
        for n, to in enumerate(("ana@firma.ro", "dan@firma.ro"))
    ]
    async with Outreach.in_memory() as engine:
        one = await engine.receive("baileys", json.dumps(told).encode())
        two = await engine.receive("sendgrid", json.dumps(batch).encode())

        assert engine._memory is not None
        stored = [row.arrival for row in engine._memory.store.events.values()]
        assert (one, two) == (1, 2)
        assert not any(b"canary-of-an-instance" in arrival.raw for arrival in stored)
        assert [arrival.raw.count(b"sg_event_id") for arrival in stored] == [0, 1, 1]
        assert {arrival.received_at for arrival in stored} == {EPOCH}


async def test_the_app_is_mounted_under_a_prefix_of_yours(files: CampaignFiles) -> None:
    settings = Settings(timelinesai=ProviderTable(webhook_secret=Secret(TOKEN)))
    async with Outreach.in_memory(settings) as engine:
        await prepared(engine, files)
        await engine.work(until=await engine.now() + timedelta(minutes=20))
        first = engine.sent("timelinesai")[0]
        body = said_by(first.to, first.sender_number, "Nu, mulțumesc. STOP")
        yours = Starlette(routes=[Mount("/mail", await engine.app())])

        async with speak(yours) as client:
            path = "/mail/webhooks/timelinesai"
            right = await client.post(f"{path}/{TOKEN}", content=body)
            wrong = await client.post(f"{path}/another", content=body)
            ready = await client.get("/mail/readyz")
        await engine.work(until=await engine.now() + timedelta(minutes=1))

        assert (right.status_code, wrong.status_code) == (200, 401)
        assert ready.status_code == 200
        assert (await engine.why(first.to)).explained.state == State.DEAD


class Yours:
    """The least that is a gateway."""

    def __init__(self) -> None:
        self.taken: list[Parcel] = []

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        assert within > timedelta()
        self.taken.append(parcel)
        return Accepted(f"yours-{len(self.taken)}")


async def test_a_gateway_of_yours_takes_the_place_of_the_list(
    files: CampaignFiles,
) -> None:
    yours = Yours()
    async with Outreach.in_memory(gateways={"timelinesai": yours}) as engine:
        await prepared(engine, files)
        await engine.work(until=await engine.now() + DAY)

        assert len(yours.taken) == 24
        with pytest.raises(NotFound, match="no list in memory"):
            engine.sent("timelinesai")


async def test_what_breaks_an_invariant_is_found_by_the_audit(
    files: CampaignFiles,
) -> None:
    async with Outreach.in_memory() as engine:
        await prepared(engine, files)
        await engine.work(until=await engine.now() + timedelta(hours=1))
        assert engine._memory is not None
        first, *others = engine._memory.store.attempts.values()
        phone = first.parcel.sender
        other = next(one for one in others if one.parcel.sender == phone)
        other.called_at = first.called_at + timedelta(seconds=1)

        found = await engine.audit()

        assert "INV-3" in {breach.invariant for breach in found}


async def test_what_does_not_fit_is_refused_until_somebody_answers_for_it(
    tmp_path: Path,
) -> None:
    files = write_campaign(
        tmp_path, leads=400, phones=1, limit=200, follow_up_minutes=60
    )
    async with Outreach.in_memory() as engine:
        await engine.import_senders(files.senders)
        await engine.import_leads(files.leads)

        with pytest.raises(Refused, match="binding: capacity"):
            await engine.enroll(files.sequence)
        enrolled = await engine.enroll(
            files.sequence, override=Override("two weeks are fine", "ana")
        )

        assert enrolled.enrolled == 400


async def test_rejected_rows_go_where_they_are_wanted(tmp_path: Path) -> None:
    leads, rejects = tmp_path / "leads.csv", tmp_path / "bad.csv"
    leads.write_text("Denumire;Telefon\nBun SRL;0722000111\nRău SRL;12\n", "utf-8")
    async with Outreach.in_memory() as engine:
        report = await engine.import_leads(leads, rejects=rejects)

    assert (report.imported, report.rejected) == (1, 1)
    assert "Rău SRL" in rejects.read_text("utf-8")


async def test_what_is_asked_wrongly_says_the_way_out() -> None:
    async with Outreach.in_memory() as engine:
        with pytest.raises(Misconfigured, match="say until when"):
            await engine.work()
        with pytest.raises(NotFound, match="no provider is called 'pigeon'"):
            await engine.receive("pigeon", b"{}")
        with pytest.raises(NotFound, match="no lead is meant"):
            await engine.why("+40722000999")
        with pytest.raises(Misconfigured, match=r"nowhere\.toml"):
            await engine.enroll(Path("nowhere.toml"))
        assert await engine.receive("timelinesai", b"\x00") == 1


async def test_the_same_calls_work_over_servers(
    files: CampaignFiles, fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> None:
    migrate(fresh_postgres_url)
    async with opened() as bench:
        settings = Settings(
            database_url=Secret(fresh_postgres_url),
            redis_url=Secret(empty_redis_url),
            data_dir=str(tmp_path / "data"),
            timelinesai=ProviderTable(
                api_key=Secret(KEY), base_url=bench.server.url + PREFIX
            ),
        )
        async with Outreach.from_settings(settings) as engine:
            await turn_clock(engine, TUESDAY)
            await prepared(engine, files)
            work = asyncio.create_task(engine.work(until=TUESDAY + DAY))
            while bench.arrivals < 3:  # other requests are questions
                await bench.server.until_asked(len(bench.server.asked) + 1)
            await turn_clock(engine, TUESDAY + DAY)
            await work
            async with speak(await engine.app()) as client:
                ready = await client.get("/readyz")
            summary = await engine.summary()
            reached = bench.workspace.chats[0]["phone"]
            story = str(await engine.why(reached))

    assert summary.sent == {"WHATSAPP": 3}, "one for each phone, then its gap"
    assert ready.status_code == 200
    assert "Step" in story


async def turn_clock(engine: Outreach, to: datetime) -> None:
    """Engine time stands there."""
    await engine.engine.container.database().rows(
        "UPDATE engine_clock SET position = %s", (to,)
    )


async def test_without_credentials_nothing_pretends_to_send(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> None:
    migrate(fresh_postgres_url)
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path),
    }
    async with Outreach.from_settings(env=env) as engine:
        with pytest.raises(Misconfigured, match="no provider has credentials"):
            await engine.work(until=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_package_names_what_it_gives() -> None:
    assert outreach.__all__ == ["Outreach"]
    with pytest.raises(AttributeError, match="no attribute 'Inreach'"):
        _ = outreach.Inreach
