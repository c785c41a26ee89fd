"""Amazon SES in an engine over real stores: without Resend, and heard by its topics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import evolve, frozen
from tests.adapters.ses_events import event
from tests.adapters.test_instantly_webhooks import body as instantly_says
from tests.adapters.web_world import asked
from tests.contract.ses_account import KEY, REGION, SECRET, SET, TOKEN, SesBench
from tests.contract.ses_account import opened as opened_account
from tests.contract.sns_topic import TOPIC, SnsBench, certificate
from tests.contract.sns_topic import opened as opened_topic
from tests.e2e.running import rows, until

from outreach.adapters.ses import SesGateway
from outreach.domain.answer import Answer
from outreach.domain.ids import account_id
from outreach.domain.review import Resolution
from outreach.entrypoints.cli.checks import of_settings
from outreach.entrypoints.cli.finding import Level
from outreach.entrypoints.engine import Engine, Urls, incarnation, open_engine
from outreach.entrypoints.intake import import_file, senders_file
from outreach.entrypoints.settings import (
    ProviderTable,
    Secret,
    SesTable,
    Settings,
    WorkspaceTable,
    load,
)
from outreach.entrypoints.webhooks_app import web_app
from outreach.testing.gateway import Situation
from outreach.testing.incoming_keys import Delivery
from outreach.testing.invented import new_phone

TUESDAY: Final = "2026-03-03 09:30+00"
LATER: Final = "2026-03-03 09:35+00"
HOOK: Final = "s3cret-of-ours"
TOKENS: Final = {"timelinesai": (Secret("t"),), "instantly": (Secret(HOOK),)}
SENDERS: Final = """\
[[sender]]
channel = "EMAIL_WARM"
address = "ion@warm.example"
"""
LEADS: Final = "denumire;email\nFirma SRL;ana@firma.ro\n"
REPLY: Final = "Costă 10 lei."


@frozen
class Place:
    """An engine whose warm mail is SES's, and all that it speaks to."""

    account: SesBench
    topic: SnsBench
    engine: Engine
    url: str
    folder: Path

    def turn_clock(self, to: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )

    def rows(self, query: str) -> list[dict[str, Any]]:
        return rows(self.url, query)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Callable[[Callable[[], Any]], Any]]:
        """A worker that runs; gives what waits until something holds."""
        runner = self.engine.runner(incarnation("worker"))
        work = asyncio.create_task(runner.run())

        async def come_true(holds: Callable[[], Any]) -> None:
            def looked_at() -> Any:
                assert not work.done(), work
                return holds()

            await asyncio.to_thread(until, looked_at)

        try:
            yield come_true
        finally:
            runner.stop()
            await work


def settings_of(account: SesBench, topic: SnsBench, folder: Path) -> Settings:
    """With a table for SES, and none for Resend."""
    return Settings(
        data_dir=str(folder),
        ses=SesTable(
            access_key_id=Secret(KEY),
            secret_access_key=Secret(SECRET),
            session_token=Secret(TOKEN),
            region=REGION,
            configuration_set=SET,
            topic_arns=TOPIC,
            base_url=account.server.url,
            topics_url=topic.server.url,
        ),
    )


@pytest.fixture
async def place(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> AsyncIterator[Place]:
    urls = Urls(fresh_postgres_url, empty_redis_url)
    async with opened_account() as account, opened_topic() as topic:
        topic.pem = certificate(begins=datetime.now(UTC) - timedelta(days=1))
        settings = settings_of(account, topic, tmp_path)
        async with open_engine(settings, urls, reach_providers=True) as engine:
            made = Place(account, topic, engine, fresh_postgres_url, tmp_path)
            made.turn_clock(TUESDAY)
            yield made


async def deliver(place: Place, one: Delivery) -> Any:
    app = web_app(place.engine, TOKENS)
    return await asked(
        app, "POST", "/webhooks/ses", content=one.raw, headers=dict(one.headers)
    )


async def replied(place: Place) -> None:
    """A lead that wrote by mail to somebody else's mailbox, and our warm sender."""
    engine, folder = place.engine, place.folder
    other = evolve(new_phone(1), provider="instantly", provider_account="default")
    await engine.container.senders().import_(engine.tenant, [other])
    (folder / "senders.toml").write_text(SENDERS, "utf-8")
    assert await senders_file(engine, folder / "senders.toml") == 1
    (folder / "leads.csv").write_text(LEADS, "utf-8")
    await import_file(engine, folder / "leads.csv", folder / "rejects.csv")
    headers = {"X-Outreach-Webhook-Secret": HOOK}
    answer = await asked(
        web_app(engine, TOKENS),
        *("POST", "/webhooks/instantly"),
        json=instantly_says(reply_text="Cât costă?"),
        headers=headers,
    )
    assert answer.json() == {"stored": 1}


async def approved(place: Place) -> None:
    """A person writes the answer; it may go half a minute later."""
    engine = place.engine
    (view,) = await engine.container.reviews().queue(engine.tenant, limit=10)
    item = view.item
    answer = Answer(Resolution.EDITED, "ana", item.fingerprint or "", REPLY)
    await engine.container.answer_review()(engine.tenant, item.lead, answer)
    place.turn_clock(LATER)
    await engine.bell.ring()


def reviewed(place: Place) -> bool:
    return bool(place.rows("SELECT id FROM human_review_queue"))


def ended(place: Place, outcome: str) -> Callable[[], bool]:
    query = f"SELECT id FROM attempts WHERE outcome = '{outcome}'"
    return lambda: bool(place.rows(query))


async def test_a_warm_reply_leaves_by_ses_and_its_bounce_comes_in_and_lands(
    place: Place,
) -> None:
    await replied(place)
    async with place.worker() as come_true:
        await come_true(lambda: reviewed(place))
        await approved(place)
        await come_true(ended(place, "ACCEPTED"))

        (mail,) = place.account.account.mails
        whole = event("Bounce")
        whole["mail"]["messageId"] = mail["MessageId"]
        welcome = await deliver(place, place.topic.subscription())
        bounced = place.topic.topic.notification(whole)
        answers = [await deliver(place, bounced) for _ in range(2)]
        await come_true(
            lambda: place.rows(
                "SELECT id FROM gold_communication_log WHERE status = 'BOUNCED'"
            )
        )

    simple = mail["Content"]["Simple"]
    named = {one["Name"]: one["Value"] for one in simple["Headers"]}
    (attempt,) = place.rows("SELECT id, external_ref, thread FROM attempts")
    assert mail["FromEmailAddress"] == "ion@warm.example"
    assert mail["Destination"] == {"ToAddresses": ["ana@firma.ro"]}
    assert simple["Body"]["Text"]["Data"].startswith(REPLY)
    assert named["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert named["References"] == f"<{attempt['id']}@warm.example>"
    assert mail["ConfigurationSetName"] == SET
    assert attempt["external_ref"] == mail["MessageId"]
    assert attempt["thread"] == f"<{mail['MessageId']}@{REGION}.amazonses.com>"
    assert welcome.json() == {"stored": 1}
    assert place.topic.confirmed == 1
    assert [one.json() for one in answers] == [{"stored": 1}, {"stored": 0}]


async def test_a_mail_without_an_answer_is_settled_by_the_tag_of_its_event(
    place: Place,
) -> None:
    await replied(place)
    async with place.worker() as come_true:
        await come_true(lambda: reviewed(place))
        await place.account.arrange(Situation.BROKEN)
        await approved(place)
        await come_true(ended(place, "UNKNOWN"))

        (mail,) = place.account.account.mails
        (tag,) = [one for one in mail["EmailTags"] if one["Name"] == "attempt"]
        whole = event("Send")
        whole["mail"]["messageId"] = mail["MessageId"]
        whole["mail"]["tags"]["attempt"] = [tag["Value"]]
        await deliver(place, place.topic.topic.notification(whole))
        await come_true(ended(place, "ACCEPTED"))

    assert place.account.arrivals == 1
    (attempt,) = place.rows("SELECT external_ref FROM attempts")
    assert attempt["external_ref"] == mail["MessageId"]


async def test_without_a_topic_there_is_no_route(place: Place, tmp_path: Path) -> None:
    told = settings_of(place.account, place.topic, tmp_path)
    deaf = evolve(
        place.engine, settings=evolve(told, ses=evolve(told.ses, topic_arns=""))
    )

    answer = await asked(web_app(deaf, TOKENS), "POST", "/webhooks/ses", content=b"{}")

    assert answer.status_code == 404


async def test_it_is_built_with_every_ability_under_its_account(place: Place) -> None:
    account = account_id(place.engine.tenant, "ses", "default")
    gateways = place.engine.gateways

    for ability in (gateways.takers, gateways.domains, gateways.tells):
        assert isinstance(ability[account], SesGateway)
    assert set(gateways.send) == {account}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"resend": ProviderTable(api_key=Secret("k"))}, "resend"),
        (
            {"ses": SesTable(access_key_id=Secret("k"), secret_access_key=Secret("s"))},
            "ses",
        ),
        ({}, "resend"),
        ({"instantly": WorkspaceTable(api_key=Secret("k"))}, "resend"),
        (
            {
                "resend": ProviderTable(api_key=Secret("k")),
                "ses": SesTable(
                    access_key_id=Secret("k"), secret_access_key=Secret("s")
                ),
            },
            "resend",
        ),
    ],
)
async def test_who_sends_warm_mail_is_whoever_has_credentials(
    place: Place, tmp_path: Path, tables: dict[str, Any], expected: str
) -> None:
    engine = evolve(place.engine, settings=Settings(**tables))
    (tmp_path / "senders.toml").write_text(SENDERS, "utf-8")

    await senders_file(engine, tmp_path / "senders.toml")

    uses = await engine.container.senders().all(engine.tenant)
    owner = account_id(engine.tenant, expected, "default")
    assert [one.sender.account for one in uses] == [owner]


# --- settings


ENV: Final = {
    "OUTREACH_SES_ACCESS_KEY_ID": KEY,
    "OUTREACH_SES_SECRET_ACCESS_KEY": SECRET,
    "OUTREACH_SES_REGION": REGION,
}


def said_by_doctor(**more: str) -> dict[str, tuple[Level, str]]:
    found = of_settings(load({**ENV, **more}))
    return {one.check: (one.level, one.says) for one in found}


def test_its_settings_are_a_table_of_their_own() -> None:
    settings = load({**ENV, "OUTREACH_SES_TOPIC_ARNS": f"{TOPIC}, {TOPIC}2"})

    assert settings.ses.is_set
    assert settings.ses.topics == (TOPIC, f"{TOPIC}2")
    assert not settings.resend.is_set
    assert SECRET not in repr(settings)
    assert KEY not in repr(settings)
    assert not load({"OUTREACH_SES_REGION": REGION}).ses.is_set


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGION", "Europe"),
        ("REGION", "eu-west-1.evil.example/"),
        ("CONFIGURATION_SET", "a/b"),
        ("BASE_URL", "ftp://x"),
        ("TOPICS_URL", "https://sns.evil.example"),
        ("TOPICS_URL", "https://127.0.0.1.evil.example"),
    ],
)
def test_what_is_not_allowed_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(Exception, match="environment: ses"):
        load({**ENV, f"OUTREACH_SES_{name}": value})


def test_doctor_says_what_is_set() -> None:
    full = {
        "OUTREACH_SES_CONFIGURATION_SET": SET,
        "OUTREACH_SES_TOPIC_ARNS": TOPIC,
    }

    whole, bare = said_by_doctor(**full), said_by_doctor()
    wrong = said_by_doctor(OUTREACH_SES_TOPIC_ARNS="outreach")
    nowhere = said_by_doctor(OUTREACH_SES_REGION="")

    assert whole["ses address"] == (Level.OK, "the vendor's own")
    assert whole["ses region"] == (Level.OK, f"{REGION}, configuration set {SET}")
    assert whole["ses webhooks"] == (Level.OK, "OUTREACH_SES_TOPIC_ARNS is set")
    assert bare["ses region"][0] is Level.WARN
    assert bare["ses webhooks"][0] is Level.WARN
    assert wrong["ses webhooks"][0] is Level.FAIL
    assert nowhere["ses region"][0] is Level.FAIL
    assert SECRET not in json.dumps([str(one) for one in whole.values()])
