"""Instantly in an engine over real stores: built, told where we are, and heard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from tests.adapters.test_instantly_webhooks import body
from tests.adapters.web_world import asked
from tests.contract.instantly_workspace import KEY, InstantlyBench, opened

from outreach.adapters.instantly import InstantlyGateway, InstantlyReader
from outreach.domain.change import DutyKind
from outreach.domain.channel import State
from outreach.domain.ids import Incarnation, account_id
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.intake import import_file
from outreach.entrypoints.registering import register_webhooks
from outreach.entrypoints.settings import Secret, Settings, WorkspaceTable, load
from outreach.entrypoints.webhooks_app import web_app
from outreach.testing.invented import new_phone

SECRET: Final = "s3cret-of-ours"
PATH: Final = "/webhooks/instantly"
HEADER: Final = "X-Outreach-Webhook-Secret"
WHO: Final = Incarnation("test")
TOKENS: Final = {"timelinesai": (Secret("t"),), "instantly": (Secret(SECRET),)}


@frozen
class Place:
    bench: InstantlyBench
    engine: Engine


@pytest.fixture
async def place(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> AsyncIterator[Place]:
    urls = Urls(fresh_postgres_url, empty_redis_url)
    async with opened() as bench:
        wanted = WorkspaceTable(api_key=Secret(KEY), base_url=bench.server.url)
        settings = Settings(data_dir=str(tmp_path), instantly=wanted)
        async with open_engine(settings, urls, reach_providers=True) as engine:
            yield Place(bench, engine)


async def _lead(engine: Engine, folder: Path) -> None:
    """A lead, and a sender by which the account is known."""
    sender = evolve(new_phone(1), provider="instantly", provider_account="default")
    await engine.container.senders().import_(engine.tenant, [sender])
    file = folder / "leads.csv"
    file.write_text("denumire;email\nFirma SRL;ana@firma.ro\n", encoding="utf-8")
    await import_file(engine, file, folder / "rejects.csv")


async def _state(engine: Engine, said: dict[str, Any]) -> State | None:
    (event,) = InstantlyReader().read(json.dumps(said).encode())
    known = await engine.container.journeys().match("default", event)
    return None if known is None else known.journey.state


async def test_it_is_built_with_every_ability_under_its_account(place: Place) -> None:
    account = account_id(place.engine.tenant, "instantly", "default")
    gateways = place.engine.gateways

    abilities = (gateways.look, gateways.takers, gateways.hosts, gateways.webhooks)
    for ability in abilities:
        assert isinstance(ability[account], InstantlyGateway)
    assert isinstance(gateways.replays[account].gateway, InstantlyGateway)
    assert set(gateways.send) == {account}


async def test_a_webhook_with_our_header_is_stored_once_and_another_turned_away(
    place: Place, tmp_path: Path
) -> None:
    await register_webhooks(place.engine, "https://outreach.example/", TOKENS)
    (hook,) = place.bench.workspace.webhooks
    app = web_app(place.engine, TOKENS)
    await _lead(place.engine, tmp_path)

    def send(secret: str, path: str = PATH) -> Any:
        return asked(app, "POST", path, json=body(), headers={HEADER: secret})

    answers = [await send(secret) for secret in (SECRET, SECRET, "wrong", "")]
    by_path = await send("", f"{PATH}/{SECRET}")

    assert hook["target_hook_url"] == "https://outreach.example/webhooks/instantly"
    assert hook["headers"] == {HEADER: SECRET}
    assert [one.status_code for one in answers] == [200, 200, 401, 401]
    assert [one.json()["stored"] for one in answers[:2]] == [1, 0]
    assert by_path.status_code == 404
    await place.engine.container.take_in()(WHO)
    assert await _state(place.engine, body()) is State.WARM_REPLY


async def test_a_webhook_that_was_lost_is_heard_within_the_hour(
    place: Place, tmp_path: Path
) -> None:
    engine = place.engine
    await _lead(engine, tmp_path)
    lost = json.dumps(body()).encode()
    await place.bench.miss(lost, datetime.now(UTC) - timedelta(minutes=50))
    await engine.put_periodic_duties()

    await engine.container.do_duties()(WHO)
    await engine.container.take_in()(WHO)

    assert await _state(engine, body()) is State.WARM_REPLY
    duties = await engine.container.duties().take(WHO, 100)
    assert DutyKind.REPLAY not in {duty.kind for duty in duties}


def test_its_settings_are_a_table_of_their_own() -> None:
    settings = load(
        {
            "OUTREACH_INSTANTLY_API_KEY": KEY,
            "OUTREACH_INSTANTLY_WORKSPACE": "of-a-client",
            "OUTREACH_INSTANTLY_WEBHOOK_SECRET": "a, b",
        }
    )

    assert settings.instantly.api_key.reveal == KEY
    assert settings.instantly.workspace == "of-a-client"
    assert KEY not in repr(settings)
