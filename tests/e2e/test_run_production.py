"""Processes as an operator starts them, over servers that they are told of."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from attrs import frozen
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.e2e.command_line import command_line
from tests.e2e.judging import SENDS, doubles, uses
from tests.e2e.running import Process, outreach, rows, until

from outreach.adapters.arq import ArqBell, connect_bell
from outreach.adapters.timelinesai import TimelinesGateway, open_client
from outreach.entrypoints.sandbox import Sandbox

ARQ: Final = [
    *(sys.executable, "-m", "arq"),
    "outreach.entrypoints.worker.WorkerSettings",
]
TOKEN: Final = "token-of-the-webhooks"
TUESDAY: Final = "2026-03-03 08:00+00"
ENDS_WITHIN_S: Final = 30


@frozen
class Deployment:
    """Two stores, a provider, and what is told to every process."""

    folder: Path
    env: dict[str, str]
    box: Sandbox
    files: CampaignFiles

    @contextlib.contextmanager
    def process(
        self, name: str, *args: str, command: list[str] | None = None
    ) -> Iterator[Process]:
        words = self.folder / name
        words.mkdir()
        with outreach(*args, words=words, env=self.env, command=command) as process:
            yield process

    def turn_clock(self, to: str) -> None:
        """Put engine time where it stays: its gaps pass when the test says so."""
        with psycopg.connect(self.env["OUTREACH_DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def deployment(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str, free_port: int
) -> Iterator[Deployment]:
    files = write_campaign(tmp_path, leads=12, phones=4, limit=10, follow_up_minutes=60)
    log = tmp_path / "accepted.jsonl"
    with Sandbox.start(
        log,
        profile="calm",
        accounts=files.phones,
        knobs={"webhook_jitter_engine_s": 0},
    ) as box:
        env = {
            "OUTREACH_DATABASE_URL": fresh_postgres_url,
            "OUTREACH_REDIS_URL": empty_redis_url,
            "OUTREACH_DATA_DIR": str(tmp_path / "data"),
            "OUTREACH_TIMELINESAI_API_KEY": box.token,
            "OUTREACH_TIMELINESAI_BASE_URL": box.base_url,
            "OUTREACH_TIMELINESAI_WEBHOOK_SECRET": TOKEN,
            "OUTREACH_WEB_PORT": str(free_port),
        }
        yield Deployment(tmp_path, env, box, files)


def test_a_worker_and_a_web_app_send_and_hear_and_end_when_told_to(
    deployment: Deployment, free_port: int
) -> None:
    files, box, env = deployment.files, deployment.box, deployment.env
    web_url = f"http://127.0.0.1:{free_port}"
    deployment.turn_clock(TUESDAY)
    with command_line(**env) as call:
        assert call("phones", "import", files.senders).status == 0
        assert call("leads", "import", files.leads).status == 0
        assert call("enroll", "--sequence", files.sequence).status == 0

    with (
        deployment.process("web", "web") as web,
        deployment.process("worker", command=ARQ) as worker,
    ):
        until(lambda: len(box.accepted()) == 4 or not worker.runs)
        assert worker.runs, worker.err
        until(lambda: is_ready(web_url) or not web.runs)
        assert web.runs, web.err
        register(box, f"{web_url}/webhooks/timelinesai/{TOKEN}")
        first = box.accepted()[0]
        box.say(first["from"], first["to"], "Sunt interesat, câte tone luați?")
        until(lambda: replied(env["OUTREACH_DATABASE_URL"]) or not worker.runs)
        deployment.turn_clock("2026-03-03 08:10+00")
        ring(env["OUTREACH_REDIS_URL"])
        until(lambda: len(box.accepted()) == 8 or not worker.runs)
        for process in (worker, web):
            process.signal(signal.SIGTERM)
        statuses = [process.status(seconds=ENDS_WITHIN_S) for process in (worker, web)]
        said = worker.err + web.err

    accepted = box.accepted()
    sends = rows(env["OUTREACH_DATABASE_URL"], SENDS)
    assert statuses == [0, 0]
    assert "Traceback" not in said
    assert [use.new for use in uses(accepted).values()] == [2, 2, 2, 2]
    assert {send["uid"] for send in sends} == {line["message_uid"] for line in accepted}
    assert {send["outcome"] for send in sends} == {"ACCEPTED"}
    assert doubles(accepted) == []
    assert replied(env["OUTREACH_DATABASE_URL"]) == [
        {"state": "WARM_REPLY", "number": first["to"]}
    ]


def is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz").status_code == 200
    return False


def register(box: Sandbox, url: str) -> None:
    """Have webhooks sent to a web app, as a run does at its start."""

    async def ask() -> None:
        client = open_client(box.token, base_url=box.base_url, user_agent="tests")
        try:
            await TimelinesGateway(client).register(url)
        finally:
            await client.aclose()

    asyncio.run(ask())


def ring(redis_url: str) -> None:
    async def ring_once() -> None:
        pool = connect_bell(redis_url)
        try:
            await ArqBell(pool, group="outreach").ring()
        finally:
            await pool.aclose()

    asyncio.run(ring_once())


def replied(database_url: str) -> list[dict[str, Any]]:
    return rows(
        database_url,
        """
        SELECT j.current_state AS state, c.value AS number
          FROM gold_lead_journey j
          JOIN contact_points c ON c.lead_id = j.id AND c.kind = 'phone'
         WHERE j.reply_count > 0
        """,
    )


@pytest.mark.parametrize(
    ("setting", "url", "who"),
    [
        (
            "OUTREACH_DATABASE_URL",
            "postgresql://nobody@127.0.0.1:{}/none",
            "PostgreSQL",
        ),
        ("OUTREACH_REDIS_URL", "redis://127.0.0.1:{}/0", "Redis"),
    ],
)
@pytest.mark.parametrize("program", ["arq", "run"])
def test_a_store_that_is_down_is_one_clear_line_and_no_traceback(
    deployment: Deployment, setting: str, url: str, who: str, program: str
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        deployment.env[setting] = url.format(listener.getsockname()[1])

        with deployment.process(
            "down",
            *(() if program == "arq" else ("run",)),
            command=ARQ if program == "arq" else None,
        ) as process:
            status = process.status(seconds=ENDS_WITHIN_S)
            said = process.err

    complaint = [line for line in said.splitlines() if line.startswith("outreach: ")]
    assert status == 1
    assert len(complaint) == 1
    assert who in complaint[0]
    assert setting in complaint[0]
    assert "Traceback" not in said
    assert said.count("\n") < 5, said
