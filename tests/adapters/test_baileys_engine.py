"""Baileys gateways in an engine over real stores: sent through, heard, locked."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import pytest
from attrs import evolve, frozen
from tests.adapters.baileys_events import (
    api,
    evolution_message,
    raw,
    waha_ack,
    waha_message,
)
from tests.adapters.web_world import asked
from tests.contract import timelines_workspace
from tests.contract.baileys_gateways import (
    KEY,
    SECRET,
    ApiHouse,
    BaileysBench,
    EvolutionHouse,
    House,
    WahaHouse,
    opened,
)
from tests.contract.timelines_workspace import PREFIX, TimelinesBench
from tests.e2e.campaign_files import write_campaign

from outreach.domain.ids import Incarnation, account_id
from outreach.domain.sender import Sender, SenderState
from outreach.entrypoints.engine import Engine, Urls, check_redis, open_engine
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.registering import register_webhooks
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.settings import Secret, Settings, load
from outreach.entrypoints.surroundings import RunPlan
from outreach.entrypoints.webhooks_app import web_app
from outreach.testing.gateway import OURS

TUESDAY: Final = "2026-03-03 08:00+00"
LATER: Final = "2026-03-03 08:10+00"
PUBLIC: Final = "https://outreach.example"
PATH: Final = "/webhooks/baileys"
WHO: Final = Incarnation("test")
PATIENCE_S: Final = 60

HOUSES: Final[dict[str, type[House]]] = {
    "baileys-api": ApiHouse,
    "waha": WahaHouse,
    "evolution": EvolutionHouse,
}


@frozen
class Place:
    """Two WhatsApp providers, and the stores of an engine.

    Attributes:
        config: the settings of both providers, without the line that chooses.
    """

    folder: Path
    urls: Urls
    baileys: BaileysBench[Any]
    timelines: TimelinesBench
    config: str

    def settings(self, line: str) -> Settings:
        file = self.folder / "outreach.toml"
        file.write_text(f"[tenant]\n{line}\n{self.config}", encoding="utf-8")
        return evolve(load({}, config=file), data_dir=str(self.folder / "data"))

    @asynccontextmanager
    async def engine(self, line: str) -> AsyncIterator[Engine]:
        """With two leads, to be written to by a phone whose file names no provider."""
        files = write_campaign(
            self.folder, leads=2, phones=1, limit=10, follow_up_minutes=60
        )
        files.senders.write_text(f'[[sender]]\nphone = "{OURS[0]}"\n', encoding="utf-8")
        plan = RunPlan(
            data_dir=self.folder,
            leads=files.leads,
            sequence=files.sequence,
            senders=files.senders,
        )
        async with open_engine(
            self.settings(line), self.urls, reach_providers=True
        ) as engine:
            turn_clock(self.urls, TUESDAY)
            await check_redis(engine)
            await load_files(engine, plan, lambda _: None)
            await engine.put_periodic_duties()
            yield engine


def turn_clock(urls: Urls, to: str) -> None:
    """Put engine time where it stays."""
    with psycopg.connect(urls.database) as connection:
        connection.execute(
            "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
        )


@asynccontextmanager
async def placed(
    dialect: str, folder: Path, database: str, redis: str
) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        baileys = await stack.enter_async_context(opened(HOUSES[dialect]()))
        timelines = await stack.enter_async_context(timelines_workspace.opened())
        config = f"""
            [timelinesai]
            api_key = "{timelines_workspace.KEY}"
            base_url = "{timelines.server.url}{PREFIX}"

            [baileys]
            dialect = "{dialect}"
            api_key = "{KEY}"
            base_url = "{baileys.server.url}"
            webhook_secret = "{SECRET}"
            """
        yield Place(folder, Urls(database, redis), baileys, timelines, config)


@pytest.fixture(params=HOUSES)
async def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> AsyncIterator[Place]:
    given = (tmp_path, fresh_postgres_url, empty_redis_url)
    async with placed(request.param, *given) as place:
        yield place


async def work_until(engine: Engine, holds: Callable[[], bool]) -> None:
    """Let a worker's loop work until *holds*."""
    runner = engine.runner(WHO)
    work = asyncio.create_task(runner.run())
    began = time.monotonic()
    while not (holds() or work.done()):
        assert time.monotonic() - began < PATIENCE_S
        await asyncio.sleep(0.01)
    runner.stop()
    await work


async def phone(engine: Engine) -> Sender:
    (use,) = await engine.container.senders().all(engine.tenant)
    sender: Sender = use.sender
    return sender


def column(place: Place, query: LiteralString) -> list[Any]:
    """Read one column, past the policies."""
    with psycopg.connect(place.urls.database) as connection:
        connection.execute("SET search_path TO outreach")
        return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize("provider", ["timelinesai", "baileys"])
async def test_switching_to_a_gateway_is_one_line_of_settings_and_no_line_of_code(
    place: Place, provider: str
) -> None:
    line = f'whatsapp_provider = "{provider}"'
    benches: dict[str, Any] = {
        "timelinesai": place.timelines,
        "baileys": place.baileys,
    }
    other = benches[{"timelinesai": "baileys", "baileys": "timelinesai"}[provider]]

    async with place.engine(line) as engine:
        await work_until(engine, lambda: bool(benches[provider].accepted))

    assert len(benches[provider].accepted) == 1
    assert "cereale" in benches[provider].accepted[0]
    assert not other.accepted


async def test_a_phone_that_is_imported_again_is_moved_with_all_it_has(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with placed("waha", tmp_path, *urls) as place:
        async with place.engine('whatsapp_provider = "timelinesai"') as engine:
            before = await phone(engine)
        async with place.engine('whatsapp_provider = "baileys"') as engine:
            after = await phone(engine)

        assert (before.id, before.number) == (after.id, after.number)
        assert after.provider == "baileys"
        assert after.account == account_id(engine.tenant, "baileys", "default")


async def test_what_waha_tells_is_heard_and_a_463_locks_the_phone(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with (
        placed("waha", tmp_path, *urls) as place,
        place.engine('whatsapp_provider = "baileys"') as engine,
    ):
        tokens = await webhook_tokens(engine, tmp_path)
        await register_webhooks(engine, PUBLIC, tokens)
        app = web_app(engine, tokens)
        await work_until(engine, lambda: bool(place.baileys.accepted))
        sent = place.baileys.house.messages[0]
        key, them = f"true_{sent['to']}_{sent['key']}", sent["to"]

        async def told(body: object, secret: str = SECRET) -> int:
            given = raw(body)
            signature = hmac.new(secret.encode(), given, hashlib.sha512).hexdigest()
            headers = {
                "X-Webhook-Hmac": signature,
                "X-Webhook-Hmac-Algorithm": "sha512",
            }
            answer = await asked(app, "POST", PATH, content=given, headers=headers)
            status: int = answer.status_code
            await engine.container.take_in()(WHO)
            return status

        def heard() -> tuple[list[str], list[str]]:
            """How far our messages came, and where the leads who replied are."""
            return (
                column(
                    place,
                    """
                    SELECT status FROM gold_communication_log
                     WHERE direction = 'OUTBOUND' ORDER BY sent_at, created_at
                    """,
                ),
                column(
                    place,
                    "SELECT current_state FROM gold_lead_journey WHERE reply_count > 0",
                ),
            )

        hooks = place.baileys.house.hooks[OURS[0][1:]]["webhooks"]
        assert [one["url"] for one in hooks] == [f"{PUBLIC}{PATH}"]
        assert await told(waha_ack(2, id=key), "another-secret-of-16") == 401
        assert await told(waha_ack(2, id=key)) == 200
        assert heard() == (["DELIVERED"], [])

        reply = waha_message(**{"from": them, "id": f"false_{them}_3EB0REPLY"})
        assert await told(reply) == 200
        assert heard() == (["DELIVERED"], ["WARM_REPLY"])

        turn_clock(place.urls, LATER)
        await work_until(engine, lambda: len(place.baileys.accepted) > 1)
        sent = place.baileys.house.messages[1]
        error = {"code": "463", "blocked": True, "reason": "account_restricted"}
        refused = waha_ack(-1, id=f"true_77@lid_{sent['key']}", error=error)
        assert await told(refused) == 200
        locked = await phone(engine)
        assert locked.state is SenderState.REACHOUT_LOCKED
        assert heard() == (["DELIVERED", "FAILED"], ["WARM_REPLY"])
        assert column(place, "SELECT used FROM wa_quota_usage") == [2]


async def test_a_delivery_of_baileys_api_needs_the_token_and_names_our_number(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with (
        placed("baileys-api", tmp_path, *urls) as place,
        place.engine('whatsapp_provider = "baileys"') as engine,
    ):
        tokens = await webhook_tokens(engine, tmp_path)
        await register_webhooks(engine, PUBLIC, tokens)
        app = web_app(engine, tokens)
        closed = api("connection.update", {"connection": "reconnecting"})
        back = api("connection.update", {"connection": "open"})

        async def told(body: object, path: str) -> int:
            answer = await asked(app, "POST", PATH + path, content=raw(body))
            status: int = answer.status_code
            await engine.container.take_in()(WHO)
            return status

        ours = f"/{SECRET}/{OURS[0]}"
        wrong = [
            await told(closed, path) for path in ("", f"/{SECRET}", f"/x/{OURS[0]}")
        ]
        assert wrong == [404, 401, 401]
        assert await told(closed, ours) == 200
        assert (await phone(engine)).state is SenderState.RECONNECTING
        assert await told(back, ours) == 200
        assert (await phone(engine)).state is SenderState.ACTIVE
        kept = column(place, "SELECT raw FROM raw_events")
        assert kept
        assert not any(b"a3f4b2c1" in one for one in kept)


async def test_a_delivery_of_evolution_needs_our_header(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with (
        placed("evolution", tmp_path, *urls) as place,
        place.engine('whatsapp_provider = "baileys"') as engine,
    ):
        tokens = await webhook_tokens(engine, tmp_path)
        await register_webhooks(engine, PUBLIC, tokens)
        app = web_app(engine, tokens)
        headers = place.baileys.house.hooks[OURS[0][1:]]["headers"]

        answers = [
            await asked(app, "POST", PATH, json=evolution_message(), headers=given)
            for given in (headers, headers, {}, {"X-Outreach-Webhook-Secret": "x"})
        ]

        assert headers == {"X-Outreach-Webhook-Secret": SECRET}
        assert [one.status_code for one in answers] == [200, 200, 401, 401]


async def test_silence_is_watched_where_acknowledgements_come_by_themselves(
    place: Place,
) -> None:
    async with place.engine('whatsapp_provider = "baileys"') as engine:
        account = account_id(engine.tenant, "baileys", "default")

        watch = engine.container.watch_senders()

        assert account in watch.answering
        timelines = account_id(engine.tenant, "timelinesai", "default")
        assert timelines in watch.answering


def test_its_settings_are_a_table_of_their_own() -> None:
    settings = load(
        {
            "OUTREACH_BAILEYS_API_KEY": KEY,
            "OUTREACH_BAILEYS_BASE_URL": "http://127.0.0.1:3025",
            "OUTREACH_BAILEYS_DIALECT": "waha",
            "OUTREACH_BAILEYS_WEBHOOK_SECRET": "a, b",
        }
    )

    assert settings.baileys.dialect == "waha"
    assert settings.baileys.webhook_secrets == ("a", "b")
    assert settings.baileys.is_set
    assert KEY not in repr(settings)
    assert Secret("") == Settings().baileys.api_key
