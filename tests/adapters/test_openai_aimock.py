"""The adapter against a model server that nobody here wrote, over a real socket."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.adapters.model_double import (
    RULES,
    TENANT,
    Endless,
    analysis,
    draft,
    introduction,
)
from tests.node import fetched

from outreach.adapters.openai import (
    Model,
    ModelAnalyst,
    ModelDrafter,
    ModelIntroducer,
    open_client,
)
from outreach.domain.analysis import Analysis, Doubt, Reply, ReplyIntent
from outreach.domain.drafting import Request
from outreach.domain.triage import CONFIDENT
from outreach.testing.drafter import OFFERED
from outreach.testing.intro_writer import ASKED

TODAY: Final = date(2026, 3, 2)
FIXTURES: Final = [
    ("interesat", {"content": analysis(sentiment=70)}),
    ("cuvinte", {"content": "INTERESTED, I would say"}),
    ("prea mult", {"content": analysis(sentiment=1_000)}),
    ("plin", {"error": {"message": "slow down", "type": "rate_limit"}, "status": 429}),
    ("stricat", {"error": {"message": "oops", "type": "server"}, "status": 500}),
    ("cheie", {"error": {"message": "no key", "type": "auth"}, "status": 401}),
    ("templates", {"content": draft("reply-interested", ai_note="Vă ascultăm.")}),
    ("facts", {"content": introduction("Am văzut rapița de lângă Cluj.")}),
]
PATIENCE_S: Final = 20


@contextmanager
def aimock(folder: Path, *options: str) -> Iterator[str]:
    """The server on loopback; it ends with the block."""
    home = fetched(Path(__file__).parent / "aimock")
    # The more specific word goes first: a draft's request holds the reply, too.
    fixtures = [
        {"match": {"userMessage": word}, "response": said}
        for word, said in reversed(FIXTURES)
    ]
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = shutil.which("node") or "node"
    program = home / "node_modules" / ".bin" / "llmock"
    where = ("-h", "127.0.0.1", "-p", str(port), "-f", str(file))
    process = subprocess.Popen(
        [node, str(program), *where, "--strict", "--log-level", "silent", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended by itself"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"nothing listens on port {port}"
    raise AssertionError(message)


def _last_request(url: str) -> dict[str, Any]:
    journal = httpx.get(f"{url}/__aimock/journal").json()
    body: dict[str, Any] = journal[-1]["body"]
    return body


@asynccontextmanager
async def model_at(url: str) -> AsyncIterator[Model]:
    client = open_client(
        "sk-canary", base_url=f"{url}/v1", user_agent="outreach/test", timeout_s=5
    )
    try:
        yield Model(client, "gpt-test", 5.0, time.monotonic, lambda _: None)
    finally:
        await client.close()


async def read(model: Model, text: str) -> Analysis:
    analyst = ModelAnalyst(RULES, model, Endless(), TENANT, lambda: "0" * 24)
    return await analyst.analyse(Reply(text), received_on=TODAY, tenant=TENANT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with aimock(tmp_path_factory.mktemp("aimock")) as url:
        yield url


async def test_a_reply_is_read_and_the_journal_shows_what_was_sent(
    server: str,
) -> None:
    async with model_at(server) as model:
        found = await read(model, "Sunt interesat de ce scrieți aici.")

    body = _last_request(server)
    assert (found.intent, found.sentiment) == (ReplyIntent.INTERESTED, 70)
    assert found.doubt is None
    assert body["model"] == "gpt-test"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert "Sunt interesat" in body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Răspundeți în cuvinte simple aici.", Doubt.UNREADABLE),
        ("Ar fi prea mult pentru noi așa.", Doubt.OUT_OF_RANGE),
        ("Depozitul e plin la noi acum.", Doubt.LIMITED),
        ("Utilajul e stricat la noi acum.", Doubt.FAILED),
        ("Avem cheie la poartă acolo.", Doubt.FAILED),
        ("La asta nu știe nimeni ceva.", Doubt.FAILED),
    ],
)
async def test_what_goes_wrong_there_is_a_doubt_here(
    server: str, text: str, doubt: Doubt
) -> None:
    async with model_at(server) as model:
        found = await read(model, text)

    assert found.doubt is doubt
    assert found.confidence < CONFIDENT


async def test_an_answer_is_drafted(server: str) -> None:
    request = Request("Da, sună bine.", "ro", OFFERED)
    async with model_at(server) as model:
        drafter = ModelDrafter(model, Endless(), TENANT, lambda: "0" * 24)
        made = await drafter.draft(request, tenant=TENANT)

    assert made is not None
    assert made.template == "reply-interested"
    assert made.slots == {"ai_note": "Vă ascultăm."}


async def test_an_intro_is_written(server: str) -> None:
    async with model_at(server) as model:
        writer = ModelIntroducer(model, Endless(), TENANT, lambda: "0" * 24)
        written = await writer.write(ASKED, tenant=TENANT)

    body = _last_request(server)
    assert written is not None
    assert (written.text, written.doubt) == ("Am văzut rapița de lângă Cluj.", None)
    assert body["response_format"]["json_schema"]["name"] == "lead_intro"
    assert "rapiță" in body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--chaos-drop", {Doubt.FAILED}),
        ("--chaos-malformed", {Doubt.UNREADABLE}),
        ("--chaos-disconnect", {Doubt.UNREACHABLE}),
        ("--chaos-ratelimit", {Doubt.LIMITED}),
    ],
)
async def test_chaos_is_a_doubt(
    tmp_path: Path, option: str, expected: set[Doubt]
) -> None:
    with aimock(tmp_path, option, "1") as url:
        async with model_at(url) as model:
            found = await read(model, "Sunt interesat de ce scrieți aici.")

    assert found.doubt in expected
    assert found.confidence < CONFIDENT


async def test_a_slow_server_is_given_up(tmp_path: Path) -> None:
    with aimock(tmp_path, "--chaos-latency", "5000") as url:
        async with model_at(url) as model:
            model.timeout_s = 0.3
            found = await read(model, "Sunt interesat de ce scrieți aici.")

    assert found.doubt is Doubt.TIMED_OUT
