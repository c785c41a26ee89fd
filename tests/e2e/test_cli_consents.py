"""Consents, links and suppressions, from the command line to the page and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from tests.adapters.web_world import speak
from tests.e2e.command_line import CommandLine, command_line

from outreach.domain.channel import Channel
from outreach.domain.ids import Incarnation, LeadId
from outreach.domain.link import Link, LinkKind
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.settings import Secret, Settings
from outreach.entrypoints.webhooks_app import web_app

LEADS = """\
denumire;telefon;email;temei legal;limba
Agro Unu SRL;0740000101;ana@agrounu.ro;;ro
Agro Doi SRL;;ion+oferte@agrodoi.ro;consimțământ;ro
Agro Trei SRL;;office@bücher.example;;en
"""
KEYS = "the newest key of all, the one before"


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    with command_line(
        OUTREACH_DATABASE_URL=fresh_postgres_url,
        OUTREACH_REDIS_URL=empty_redis_url,
        OUTREACH_DATA_DIR=str(tmp_path / "data"),
        OUTREACH_SECRET_KEYS=KEYS,
        OUTREACH_PUBLIC_URL="https://mail.example/base",
    ) as calls:
        assert calls("leads", "import", "leads.csv").status == 0
        yield calls


@pytest.fixture
def urls(fresh_postgres_url: str, empty_redis_url: str) -> Urls:
    return Urls(fresh_postgres_url, empty_redis_url)


def settings(urls: Urls, keys: str = KEYS) -> Settings:
    return Settings(
        database_url=Secret(urls.database),
        redis_url=Secret(urls.redis),
        secret_keys=Secret(keys),
        public_url="https://mail.example/base",
    )


def below(url: str) -> str:
    """Its path, as the web app that is mounted there sees it."""
    return urlsplit(url).path.removeprefix("/base")


def posted(urls: Urls, path: str, keys: str = KEYS) -> httpx.Response:
    """To the web app of a process with the rights of `outreach web`."""

    async def work() -> httpx.Response:
        async with (
            open_engine(settings(urls, keys), urls, role="outreach_web") as engine,
            speak(web_app(engine, {})) as client,
        ):
            answer: httpx.Response = await client.post(path)
            return answer

    return asyncio.run(work())


def worked(urls: Urls, link: Link | None = None) -> Any:
    """What a worker takes in; or the path of a link that it would sign."""

    async def work() -> Any:
        async with open_engine(settings(urls), urls) as engine:
            if link is not None:
                return below(engine.container.links().url(link, "ro"))
            return await engine.container.take_in()(Incarnation("test"))

    return asyncio.run(work())


def a_link(urls: Urls, lead: str) -> str:
    async def tenant(engine: Engine) -> Any:
        return engine.tenant

    async def work() -> Any:
        async with open_engine(settings(urls), urls) as engine:
            return await tenant(engine)

    said = Link(
        LinkKind.UNSUBSCRIBE,
        asyncio.run(work()),
        LeadId(UUID(lead)),
        UUID(int=7),
        Channel.EMAIL_COLD,
    )
    path: str = worked(urls, said)
    return path


ASKED = ("--text", "Sunt de acord cu oferte.", "--source", "târg, formularul 17")


def test_a_consent_is_asked_for_and_confirmed_by_its_link(
    call: CommandLine, urls: Urls
) -> None:
    added = call("consents", "add", "ana@agrounu.ro", *ASKED, "--json").json()
    (shown,) = call("consents", "link", "ana@agrounu.ro", "--json").json()

    answer = posted(urls, below(shown))
    (kept,) = call("consents", "list", "ana@agrounu.ro", "--json").json()

    assert shown == added["link"]
    assert shown.startswith("https://mail.example/base/c/ro/")
    assert answer.status_code == 200
    assert (added["stands"], kept["stands"]) == (False, True)
    assert (kept["text"], kept["source"]) == (ASKED[1], ASKED[3])
    assert kept["link"] is None
    assert "yes" in call("consents", "list", "ana@agrounu.ro").out


def test_a_proven_consent_counts_at_once_and_can_be_withdrawn(
    call: CommandLine,
) -> None:
    lead = "ana@agrounu.ro"

    added = call("consents", "add", lead, *ASKED, "--proven", "--json").json()
    ended = call("consents", "withdraw", lead, "--json").json()
    (kept,) = call("consents", "list", lead, "--json").json()

    assert (added["stands"], added["kind"], added["link"]) == (True, "PROVEN", None)
    assert ended == {"withdrawn": 1}
    assert not kept["stands"]
    assert "nothing waits" in call("consents", "link", lead).out


def test_who_is_not_there_or_has_no_address_is_told(call: CommandLine) -> None:
    nobody = call("consents", "add", "nobody@agro.ro", *ASKED)
    no_phone = call(
        "consents", "add", "ion+oferte@agrodoi.ro", *ASKED, "--channel", "WHATSAPP"
    )

    assert nobody.status == no_phone.status == 1
    assert "no lead is meant" in nobody.err
    assert "nothing to be reached by on WHATSAPP" in no_phone.err
    assert call("consents", "add", "ana@agrounu.ro", "--text", " ").status == 2


def test_a_followed_link_reaches_the_lead_through_the_web_and_a_worker(
    call: CommandLine, urls: Urls
) -> None:
    (consent,) = [call("consents", "add", "ana@agrounu.ro", *ASKED, "--json").json()]
    path = a_link(urls, consent["lead"])

    answers = [posted(urls, path) for _ in range(2)]
    taken = worked(urls)
    story = call("why", "ana@agrounu.ro", "--json").json()

    assert {answer.status_code for answer in answers} == {200}
    assert taken == 1
    assert story["state"] == "DEAD"
    again = call("suppress", "ana@agrounu.ro", "+40740000101", "--json").json()
    assert again == {"addresses": 2, "new": 0, "known": 2}


def test_a_web_process_that_cannot_read_links_pretends_nothing(
    call: CommandLine, urls: Urls
) -> None:
    consent = call("consents", "add", "ana@agrounu.ro", *ASKED, "--json").json()
    path = a_link(urls, consent["lead"])

    answer = posted(urls, path, keys="")

    assert answer.status_code == 404
    assert worked(urls) == 0


def test_addresses_and_domains_are_suppressed_as_people_write_them(
    call: CommandLine,
) -> None:
    first = call("suppress", "ION@AgroDoi.ro", "@BÜCHER.example", "--json").json()
    again = call(
        "suppress", "ion@agrodoi.ro", "@xn--bcher-kva.example", "--json"
    ).json()

    assert first == {"addresses": 2, "new": 2, "known": 0}
    assert again == {"addresses": 2, "new": 0, "known": 2}


def test_a_bounce_that_never_was_cannot_be_taken_back(call: CommandLine) -> None:
    said = call("leads", "unbounce", "ana@agrounu.ro", "--reason", "our DNS")

    assert said.status == 1
    assert "is on record as returned" in said.err


@pytest.mark.parametrize("way", [("consents",), ("leads", "unbounce")])
def test_help_has_an_example(call: CommandLine, way: tuple[str, ...]) -> None:
    said = call(*way, "--help")

    assert said.status == 0
    assert "Example:" in said.out
