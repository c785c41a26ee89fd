"""Wamm in an engine over real stores: a campaign leaves by the worker, an answer comes
in by the web app, and a person's reply leaves by the same phone.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
import pytest
from attrs import frozen
from tests.adapters.web_world import asked
from tests.contract.wamm_account import KEY, WammBench, opened

from outreach.domain.answer import Answer
from outreach.domain.ids import Incarnation, account_id
from outreach.domain.review import Resolution
from outreach.entrypoints.cli.checks import of_settings
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.settings import load
from outreach.entrypoints.surroundings import RunPlan
from outreach.entrypoints.webhooks_app import web_app

SECRET: Final = "s3cret-canary-of-ours"
WHO: Final = Incarnation("test")
TUESDAY: Final = "2026-03-03 10:00+00"
LATER: Final = "2026-03-03 10:10+00"
PATIENCE: Final = timedelta(seconds=30)
OURS: Final = "Vă sun mâine la zece."
INSTANCE: Final = "609ACF283A001"
SENDERS: Final = f"""\
[[sender]]
phone = "+40720000001"
provider = "wamm"
account_ref = "{INSTANCE}"
"""
SEQUENCE: Final = """\
[sequence]
name = "cereale"
primary_channel = "WHATSAPP"

[[step]]
channel = "WHATSAPP"
template = "first"

[[template]]
name = "first"
channel = "WHATSAPP"
language = "ro"
content = "{Bună ziua|Salut}! {Cumpărăm|Luăm} cereale. {STOP|Scrieți STOP}."
"""
LEADS: Final = "denumire;telefon\nFirma SRL;0731000001\n"


@frozen
class Place:
    """An engine with Wamm alone, and one lead in a campaign."""

    bench: WammBench
    engine: Engine
    url: str
    folder: Path

    def turn_clock(self, to: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )

    async def load(self) -> None:
        for name, text in (
            ("senders.toml", SENDERS),
            ("sequence.toml", SEQUENCE),
            ("leads.csv", LEADS),
        ):
            (self.folder / name).write_text(text, encoding="utf-8")
        plan = RunPlan(
            data_dir=self.folder,
            leads=self.folder / "leads.csv",
            sequence=self.folder / "sequence.toml",
            senders=self.folder / "senders.toml",
        )
        await load_files(self.engine, plan, lambda _: None)

    async def worked(self, messages: int) -> None:
        """A worker runs until the vendor has so many, and ends in order."""
        await self.engine.put_periodic_duties()
        runner = self.engine.runner(WHO)
        running = asyncio.create_task(runner.run())
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await self.bench.server.until_asked(messages)
            runner.stop()
            await running

    async def heard(self, said: object, *, token: str = SECRET) -> Any:
        tokens = await webhook_tokens(self.engine, self.folder)
        return await asked(
            web_app(self.engine, tokens),
            "POST",
            f"/webhooks/wamm/{token}/+40720000001",
            json=said,
        )


@pytest.fixture
async def place(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> AsyncIterator[Place]:
    urls = Urls(fresh_postgres_url, empty_redis_url)
    async with opened() as bench:
        settings = load(
            {
                "OUTREACH_DATA_DIR": str(tmp_path),
                "OUTREACH_WAMM_API_KEY": KEY,
                "OUTREACH_WAMM_BASE_URL": f"{bench.server.url}/api",
                "OUTREACH_WAMM_WEBHOOK_SECRET": SECRET,
            }
        )
        async with open_engine(settings, urls, reach_providers=True) as engine:
            made = Place(bench, engine, fresh_postgres_url, tmp_path)
            made.turn_clock(TUESDAY)
            await made.load()
            yield made


async def test_it_can_send_and_nothing_else(place: Place) -> None:
    account = account_id(place.engine.tenant, "wamm", "default")
    gateways = place.engine.gateways

    assert set(gateways.send) == {account}
    for nothing in (
        *(gateways.look, gateways.poll, gateways.lists, gateways.takers),
        *(gateways.repeats, gateways.webhooks, gateways.fetch),
    ):
        assert not nothing


async def test_a_campaign_leaves_an_answer_comes_in_and_a_reply_goes_the_same_way(
    place: Place, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said = {"data": {"source_number": "40731000001", "message_text": "Da, cât?"}}

    place.turn_clock(LATER)
    await place.worked(1)
    answers = [
        await place.heard(said),
        await place.heard(said, token="wrong"),
    ]
    await place.engine.container.take_in()(WHO)
    (view,) = await place.engine.container.reviews().queue(place.engine.tenant, limit=5)
    answer = Answer(Resolution.EDITED, "ana", view.item.fingerprint or "", text=OURS)
    await place.engine.container.answer_review()(
        place.engine.tenant, view.item.lead, answer
    )
    place.turn_clock("2026-03-03 10:30+00")
    await place.worked(2)

    first, second = place.bench.account.messages
    assert [one.status_code for one in answers] == [200, 401]
    assert {first["instance_id"], second["instance_id"]} == {INSTANCE}
    assert {first["number"], second["number"]} == {"40731000001"}
    assert second["message"] == OURS
    # the client by which this test knocks at the web app logs its own paths
    logged = [one.getMessage() for one in caplog.records if one.name != "httpx"]
    printed = capsys.readouterr()
    metrics = place.engine.metrics.exposition().decode()
    text = "\n".join([*logged, printed.out, printed.err, metrics])
    for secret in (KEY, SECRET, INSTANCE, "40731000001", OURS, quote(OURS, safe="")):
        assert secret not in text


@pytest.mark.parametrize(
    ("secret", "level", "says"),
    [(SECRET, "ok", "the token is set"), ("", "warn", "nothing would come in")],
)
def test_doctor_says_that_a_person_must_set_the_token(
    secret: str, level: str, says: str
) -> None:
    settings = load(
        {"OUTREACH_WAMM_API_KEY": KEY, "OUTREACH_WAMM_WEBHOOK_SECRET": secret}
    )

    found = {one.check: one for one in of_settings(settings)}

    assert found["wamm webhooks"].level == level
    assert says in found["wamm webhooks"].says


def test_its_settings_are_a_table_of_their_own() -> None:
    settings = load({"OUTREACH_WAMM_API_KEY": KEY})

    assert settings.wamm.api_key.reveal == KEY
    assert KEY not in json.dumps(repr(settings))
