"""SendGrid in an engine over real stores, with no other provider of warm mail: a
person's answer leaves by the worker, and what becomes of it comes in by the web app.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import evolve, frozen
from tests.adapters.sendgrid_events import KEY as VERIFIES
from tests.adapters.sendgrid_events import OTHER, event, raw_of, signed
from tests.adapters.test_instantly_webhooks import body as reply_of
from tests.adapters.web_world import asked
from tests.contract.sendgrid_account import KEY, SendGridBench, opened

from outreach.adapters.sendgrid import SendGridGateway
from outreach.domain.answer import Answer
from outreach.domain.ids import Incarnation, account_id
from outreach.domain.review import Resolution, ReviewReason
from outreach.entrypoints.cli.checks import of_settings
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.intake import import_file, senders_file
from outreach.entrypoints.registering import register_webhooks
from outreach.entrypoints.settings import Secret, load
from outreach.entrypoints.webhooks_app import web_app
from outreach.testing.gateway import Situation
from outreach.testing.invented import new_phone

PATH: Final = "/webhooks/sendgrid"
SECRET: Final = "s3cret-of-ours"
TOKENS: Final = {"instantly": (Secret(SECRET),)}
WHO: Final = Incarnation("test")
TUESDAY: Final = "2026-03-03 10:00+00"
LATER: Final = "2026-03-03 10:10+00"
LATER_STILL: Final = "2026-03-03 10:20+00"
PATIENCE: Final = timedelta(seconds=30)
SENDERS: Final = """\
[[sender]]
channel = "EMAIL_WARM"
provider = "sendgrid"
address = "ion@warm.example"
"""
OURS: Final = "Vă sun mâine la zece."


@frozen
class Place:
    """An engine with SendGrid alone, and a lead that has written to us."""

    bench: SendGridBench
    engine: Engine
    url: str

    def turn_clock(self, to: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )

    async def take_in(self) -> None:
        while await self.engine.container.take_in()(WHO):
            pass

    async def deliver(self, *events: dict[str, Any], **by: Any) -> Any:
        """The vendor delivers *events*, signed now."""
        raw = raw_of(*events)
        headers = signed(raw, int(time.time()), **by)
        app = web_app(self.engine, TOKENS)
        return await asked(app, "POST", PATH, content=raw, headers=headers)

    async def answered(self) -> None:
        """A person answers the lead, and the time to think better of it is over."""
        (view,) = await self.engine.container.reviews().queue(
            self.engine.tenant, limit=5
        )
        answer = Answer(
            Resolution.EDITED, "ana", view.item.fingerprint or "", text=OURS
        )
        await self.engine.container.answer_review()(
            self.engine.tenant, view.item.lead, answer
        )
        self.turn_clock(LATER)

    async def worked(self, requests: int) -> None:
        """A worker runs until the vendor was asked that often, and ends in order."""
        await self.engine.put_periodic_duties()
        runner = self.engine.runner(WHO)
        running = asyncio.create_task(runner.run())
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while len(self.sends) < requests:
                await self.bench.server.until_asked(len(self.bench.server.asked) + 1)
            runner.stop()
            await running

    @property
    def sends(self) -> list[str]:
        return [
            one.path for one in self.bench.server.asked if one.path.endswith("/send")
        ]

    async def attempt(self) -> dict[str, Any]:
        """The one attempt there is, as the ledger has it, and how far it came."""
        found = await self.engine.container.database().value(
            """
            SELECT to_jsonb(a) || jsonb_build_object('status', g.status)
              FROM attempts a JOIN gold_communication_log g ON g.id = a.id
            """,
            tenant=self.engine.tenant,
        )
        assert isinstance(found, dict)
        return found

    async def reasons(self) -> set[ReviewReason]:
        queue = await self.engine.container.reviews().queue(self.engine.tenant, limit=9)
        return {view.item.reason for view in queue}


@pytest.fixture
async def place(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> AsyncIterator[Place]:
    urls = Urls(fresh_postgres_url, empty_redis_url)
    async with opened() as bench:
        settings = load(
            {
                "OUTREACH_DATA_DIR": str(tmp_path),
                "OUTREACH_SENDGRID_API_KEY": KEY,
                "OUTREACH_SENDGRID_BASE_URL": bench.server.url,
                "OUTREACH_SENDGRID_WEBHOOK_SECRET": VERIFIES,
            }
        )
        async with open_engine(settings, urls, reach_providers=True) as engine:
            made = Place(bench, engine, fresh_postgres_url)
            made.turn_clock(TUESDAY)
            await _written(made, tmp_path)
            yield made


async def _written(place: Place, folder: Path) -> None:
    """A lead has answered a cold mail that went by another provider."""
    engine = place.engine
    cold = evolve(new_phone(1), provider="instantly", provider_account="default")
    await engine.container.senders().import_(engine.tenant, [cold])
    senders, leads = folder / "senders.toml", folder / "leads.csv"
    senders.write_text(SENDERS, encoding="utf-8")
    await senders_file(engine, senders)
    leads.write_text("denumire;email\nFirma SRL;ana@firma.ro\n", encoding="utf-8")
    await import_file(engine, leads, folder / "rejects.csv")
    answer = await asked(
        web_app(engine, TOKENS),
        "POST",
        "/webhooks/instantly",
        json=reply_of(),
        headers={"X-Outreach-Webhook-Secret": SECRET},
    )
    assert answer.json() == {"stored": 1}
    await place.take_in()


async def test_it_is_built_with_what_it_can_do_and_nothing_else_is(
    place: Place,
) -> None:
    account = account_id(place.engine.tenant, "sendgrid", "default")
    gateways = place.engine.gateways

    for ability in (gateways.takers, gateways.domains, gateways.webhooks):
        assert isinstance(ability[account], SendGridGateway)
    assert set(gateways.send) == {account}
    assert not gateways.look
    assert not gateways.repeats


async def test_an_answer_leaves_by_the_worker_and_its_bounce_comes_in_signed(
    place: Place,
) -> None:
    await place.answered()

    await place.worked(1)
    (mail,) = place.bench.account.mails
    (envelope,) = mail["personalizations"]
    about = {
        **envelope["custom_args"],
        "sg_message_id": f"{place.bench.account.ref(0)}.recvd-5f9ffdf494-9kc6l-1.0",
    }
    sent = await place.attempt()
    bounced = event("bounce", **about)
    answers = [
        await place.deliver(event("processed", **about), bounced),
        await place.deliver(bounced),
        await place.deliver(event("open", **about), by=OTHER),
    ]
    await place.take_in()

    assert mail["from"]["email"] == "ion@warm.example"
    assert envelope["to"] == [{"email": "ana@firma.ro"}]
    assert mail["content"][0]["value"].startswith(OURS)
    assert "List-Unsubscribe" in envelope["headers"]
    assert (sent["outcome"], sent["external_ref"]) == (
        "ACCEPTED",
        place.bench.account.ref(0),
    )
    assert [(one.status_code, one.json().get("stored")) for one in answers] == [
        (200, 2),
        (200, 0),
        (401, None),
    ]
    assert (await place.attempt())["status"] == "BOUNCED"
    assert await place.reasons() == {ReviewReason.BOUNCE_DETECTED}
    assert len(place.sends) == 1


async def test_a_large_delivery_is_kept_event_by_event(place: Place) -> None:
    many = [event("delivered", sg_event_id=f"e-{n}") for n in range(1_500)]

    answers = [await place.deliver(*many), await place.deliver(*many[::-1])]
    kept = await place.engine.container.database().value(
        "SELECT jsonb_build_array(count(*), max(length(raw))) FROM raw_events"
    )

    assert [one.json() for one in answers] == [{"stored": 1_500}, {"stored": 0}]
    assert kept[0] == 1 + 1_500  # the reply that the place begins with, too
    assert kept[1] < 1_000


async def test_a_send_without_an_outcome_is_settled_by_its_event_and_not_repeated(
    place: Place,
) -> None:
    await place.bench.arrange(Situation.CUT_OFF)
    await place.answered()

    await place.worked(1)
    doubtful = await place.attempt()
    await place.bench.arrange(Situation.WELL)
    (mail,) = place.bench.account.mails
    ids = mail["personalizations"][0]["custom_args"]
    ref = place.bench.account.ref(0)
    await place.deliver(event("processed", **ids, sg_message_id=f"{ref}.recvd-1.0"))
    await place.take_in()
    settled = await place.attempt()

    assert (doubtful["outcome"], doubtful["external_ref"]) == ("UNKNOWN", None)
    assert (settled["outcome"], settled["external_ref"]) == ("ACCEPTED", ref)
    assert settled["thread"].startswith("<")
    assert len(place.sends) == 1


async def test_who_complains_is_blocked_at_the_vendor_too(place: Place) -> None:
    await place.answered()
    await place.worked(1)
    ids = place.bench.account.mails[0]["personalizations"][0]["custom_args"]

    await place.deliver(event("spamreport", **ids))
    await place.take_in()
    place.turn_clock(LATER_STILL)
    while await place.engine.container.do_duties()(WHO):
        pass

    assert place.bench.account.blocked == ["ana@firma.ro"]


async def test_the_vendor_is_told_where_we_are_and_signs_what_it_sends(
    place: Place,
) -> None:
    await register_webhooks(place.engine, "https://outreach.example/", TOKENS)

    (hook,) = place.bench.account.webhooks
    assert hook["url"] == "https://outreach.example/webhooks/sendgrid"
    assert hook["signed"] is True


def test_its_settings_are_a_table_of_their_own() -> None:
    settings = load(
        {
            "OUTREACH_SENDGRID_API_KEY": KEY,
            "OUTREACH_SENDGRID_WEBHOOK_SECRET": f"{VERIFIES}, {VERIFIES}",
        }
    )

    assert settings.sendgrid.api_key.reveal == KEY
    assert len(settings.sendgrid.webhook_secrets) == 2
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("secret", "level", "says"),
    [
        (VERIFIES, "ok", "OUTREACH_SENDGRID_WEBHOOK_SECRET is set"),
        ("", "warn", "OUTREACH_SENDGRID_WEBHOOK_SECRET is not set"),
        ("MFkw", "fail", "no verification key"),
    ],
)
def test_doctor_looks_at_its_key(secret: str, level: str, says: str) -> None:
    settings = load(
        {
            "OUTREACH_SENDGRID_API_KEY": KEY,
            "OUTREACH_SENDGRID_WEBHOOK_SECRET": secret,
        }
    )

    found = {one.check: one for one in of_settings(settings)}

    assert found["sendgrid webhooks"].level == level
    assert says in found["sendgrid webhooks"].says
    assert KEY not in json.dumps([one.says for one in found.values()])
