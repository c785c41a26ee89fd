"""TimelinesAI in an engine over real stores, against the sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from attrs import frozen
from tests.adapters.web_world import asked
from tests.e2e.campaign_files import write_campaign

from outreach.domain.ids import Incarnation, account_id
from outreach.domain.sender import Sender, SenderState
from outreach.entrypoints.engine import Engine, Urls, check_redis, open_engine
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.settings import load
from outreach.entrypoints.surroundings import RunPlan
from outreach.entrypoints.webhooks_app import web_app
from outreach.testing.fault_server import FaultServer, Says

TUESDAY: Final = "2026-03-03 08:00+00"
WHO: Final = Incarnation("test")
PATIENCE_S: Final = 60
HOUR: Final = timedelta(hours=1)
SPEED: Final = 1_000.0
TOKEN: Final = "s3cret-token-of-ours"
PATH: Final = f"/webhooks/timelinesai/{TOKEN}"


@frozen
class Place:
    """An engine, its stores and a workspace of two connected phones, of which the
    first is ours.
    """

    engine: Engine
    box: Sandbox
    urls: Urls
    folder: Path

    def turn_clock(self, to: str) -> None:
        """Put engine time where it stays."""
        with psycopg.connect(self.urls.database) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )

    def column(self, query: LiteralString) -> list[Any]:
        """Read one column, past the policies."""
        with psycopg.connect(self.urls.database) as connection:
            connection.execute("SET search_path TO outreach")
            return [row[0] for row in connection.execute(query).fetchall()]

    def look_back(self, by: timedelta) -> None:
        """As if the last look at the conversations had been longer ago."""
        with psycopg.connect(self.urls.database) as connection:
            connection.execute(
                """
                UPDATE outreach.mailbox_places
                   SET numbering = numbering - %(by)s, number = number - %(by)s
                """,
                {"by": by // timedelta(milliseconds=1)},
            )

    async def phone(self) -> Sender:
        (use,) = await self.engine.container.senders().all(self.engine.tenant)
        sender: Sender = use.sender
        return sender

    async def work_until(self, holds: Callable[[], bool]) -> None:
        """Let a worker's loop work until *holds*."""
        runner = self.engine.runner(WHO)
        work = asyncio.create_task(runner.run())
        began = time.monotonic()
        while not (holds() or work.done()):
            assert time.monotonic() - began < PATIENCE_S
            await asyncio.sleep(0.01)
        runner.stop()
        await work

    async def hears(self, body: bytes) -> None:
        tokens = await webhook_tokens(self.engine, self.folder)
        app = web_app(self.engine, tokens)
        answer = await asked(app, "POST", PATH, content=body)
        assert answer.status_code == 200
        await self.engine.container.take_in()(WHO)

    def alerts(self) -> list[str]:
        return self.column("SELECT kind FROM incidents")


@asynccontextmanager
async def placed(
    folder: Path, database: str, redis: str, **knobs: object
) -> AsyncIterator[Place]:
    files = write_campaign(folder, leads=1, phones=1, limit=10, follow_up_minutes=60)
    accounts = [*files.phones, "+40729999999"]
    with Sandbox.start(
        folder / "accepted.jsonl",
        accounts=accounts,
        profile="calm",
        speed=SPEED,
        knobs=knobs,
    ) as box:
        settings = load(
            {
                "OUTREACH_DATA_DIR": str(folder / "data"),
                "OUTREACH_TIMELINESAI_API_KEY": box.token,
                "OUTREACH_TIMELINESAI_BASE_URL": box.base_url,
                "OUTREACH_TIMELINESAI_WEBHOOK_SECRET": TOKEN,
            }
        )
        plan = RunPlan(
            data_dir=folder,
            leads=files.leads,
            sequence=files.sequence,
            senders=files.senders,
        )
        urls = Urls(database, redis)
        async with open_engine(settings, urls, reach_providers=True) as engine:
            place = Place(engine, box, urls, folder)
            place.turn_clock(TUESDAY)
            await check_redis(engine)
            await load_files(engine, plan, lambda _: None)
            await engine.put_periodic_duties()
            yield place


async def test_a_poll_that_names_another_phone_stops_the_planned_one(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with placed(tmp_path, *urls, wrong_sender=1.0) as place:
        await place.work_until(lambda: bool(place.box.accepted()))
        before = await place.phone()
        place.turn_clock("2026-03-03 08:15+00")
        await place.work_until(lambda: "sender.mismatch" in place.alerts())

        (sent,) = place.box.accepted()
        after = await place.phone()

    assert sent["from"] == "+40729999999"
    assert before.state is not SenderState.PAUSED
    assert after.state is SenderState.PAUSED
    assert after.state_reason == (
        "a message left from another number than the planned one"
    )


async def test_a_webhook_that_names_another_phone_stops_the_planned_one(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with (
        FaultServer(lambda _: Says(200)) as hooks,
        placed(tmp_path, *urls, wrong_sender=1.0) as place,
    ):
        account = account_id(place.engine.tenant, "timelinesai", "default")
        await place.engine.gateways.webhooks[account].register(f"{hooks.url}{PATH}")
        await place.work_until(lambda: bool(place.box.accepted()))
        async with asyncio.timeout(PATIENCE_S):
            await hooks.until_asked(1)
        before = await place.phone()
        for one in hooks.asked:
            await place.hears(one.body)

        after = await place.phone()
        told = place.alerts()

    assert [one.json()["event_type"] for one in hooks.asked] == ["message:sent:new"]
    assert before.state is not SenderState.PAUSED
    assert after.state is SenderState.PAUSED
    assert "sender.mismatch" in told


async def test_the_phone_that_sent_what_it_should_goes_on(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with placed(tmp_path, *urls) as place:
        await place.work_until(lambda: bool(place.box.accepted()))
        place.turn_clock("2026-03-03 08:15+00")
        polled = """
            SELECT id FROM gold_communication_log
             WHERE direction = 'OUTBOUND' AND status <> 'ACCEPTED'
            """
        await place.work_until(lambda: bool(place.column(polled)))

        after = await place.phone()

    assert after.state is not SenderState.PAUSED


async def test_a_reply_whose_webhook_was_lost_is_heard_within_the_hour(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    urls = (fresh_postgres_url, empty_redis_url)
    async with placed(tmp_path, *urls) as place:
        account = account_id(place.engine.tenant, "timelinesai", "default")
        looked = """
            SELECT number FROM mailbox_places WHERE mailbox = 'timelinesai/default'
            """
        await place.work_until(
            lambda: bool(place.box.accepted()) and bool(place.column(looked))
        )
        (sent,) = place.box.accepted()
        place.box.say(sent["from"], sent["to"], "Sunt interesat, câte tone luați?")
        place.look_back(HOUR)
        place.turn_clock("2026-03-03 09:10+00")
        warm = "SELECT id FROM gold_lead_journey WHERE current_state = 'WARM_REPLY'"
        before = place.column(warm)
        await place.work_until(lambda: bool(place.column(warm)))
        replay = place.engine.container.do_duties().replay
        assert replay is not None
        place.look_back(HOUR)
        again = await replay(place.engine.tenant, account)

        keys = place.column("SELECT key FROM event_keys WHERE type = 'REPLY'")

    assert (before, again) == ([], 0)
    assert [key.partition("new:")[0] for key in keys] == ["message:received:"]
