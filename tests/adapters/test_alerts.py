"""Alerts: an incident is told once, by one of many workers, to people in batches."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest
import structlog
from attrs import define, field

from outreach.adapters.apprise import AppriseOutbox, open_sender
from outreach.adapters.apprise import outbox as outboxes
from outreach.adapters.memory import MemoryClock, MemoryIncidents, MemoryStore
from outreach.adapters.system import LogAlerts
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.incident import SEVERITY_OF, Severity
from outreach.domain.timing import TELL_AGAIN
from outreach.ports.alerts import Alert
from outreach.testing.invented import START

OFFLINE = Alert("phone.offline", "p-1", "the phone is gone")
SKEW = Alert("clock.skew", "worker", "3 s off")


@define
class People:
    """What arrived, and how the service is today."""

    told: list[tuple[str, str, Severity]] = field(factory=list)
    takes: bool = True
    breaks: Exception | None = None

    def notify(self, title: str, body: str, severity: Severity) -> bool:
        if self.breaks is not None:
            raise self.breaks
        self.told.append((title, body, severity))
        return self.takes


class Away:
    """A store that does not answer."""

    async def open(self, kind: str, about: str) -> bool:
        message = f"no answer about {kind} {about}"
        raise Unavailable(message)

    async def told(self, kind: str, about: str) -> None:
        await self.open(kind, about)

    async def close(self, kind: str, about: str) -> bool:
        return await self.open(kind, about)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(MemoryClock(START, START), lambda: UUID(int=1))


def said(lines: list[structlog.typing.EventDict]) -> list[str]:
    return [str(line["event"]) for line in lines]


# --- once


async def test_two_workers_tell_an_incident_once_until_it_is_over(
    store: MemoryStore,
) -> None:
    known = MemoryIncidents(store)
    first, second = LogAlerts(known), LogAlerts(known)

    with structlog.testing.capture_logs() as lines:
        for alerts in (first, second, first):
            await alerts.raise_(OFFLINE)
        await second.over("phone.offline", "p-1")
        await first.over("phone.offline", "p-1")
        await second.raise_(OFFLINE)

    assert said(lines) == ["phone.offline", "over", "phone.offline"]
    assert lines[0]["severity"] == "WARNING"


async def test_a_restarted_worker_knows_what_was_told(store: MemoryStore) -> None:
    known = MemoryIncidents(store)
    await LogAlerts(known).raise_(OFFLINE)
    store.clock.advance(2 * TELL_AGAIN)

    with structlog.testing.capture_logs() as lines:
        await LogAlerts(known).raise_(OFFLINE)

    assert lines == []


async def test_without_the_store_each_worker_tells_once_and_breaks_nothing() -> None:
    alerts = LogAlerts(Away())

    with structlog.testing.capture_logs() as lines:
        await alerts.raise_(OFFLINE)
        await alerts.raise_(OFFLINE)
        await alerts.over("phone.offline", "p-1")
        await alerts.raise_(OFFLINE)

    assert said(lines) == ["phone.offline", "over", "phone.offline"]


def test_a_kind_that_is_not_in_the_list_cannot_be_raised() -> None:
    with pytest.raises(ValueError, match="kind"):
        Alert("phone.sad", "p-1", "it is")


# --- to people


async def test_people_are_told_in_one_message_the_gravest_first(
    store: MemoryStore,
) -> None:
    people = People()
    outbox = AppriseOutbox(people.notify, MemoryIncidents(store))
    alerts = LogAlerts(outbox.incidents, outbox)
    await alerts.raise_(OFFLINE)
    await alerts.raise_(OFFLINE)
    await alerts.raise_(SKEW)

    assert await outbox.deliver()

    assert people.told == [
        (
            "outreach: 2 alerts",
            (
                "CRITICAL clock.skew (worker): 3 s off\n"
                "WARNING phone.offline (p-1): the phone is gone"
            ),
            Severity.CRITICAL,
        )
    ]


async def test_a_storm_is_one_message_that_counts(store: MemoryStore) -> None:
    people = People()
    outbox = AppriseOutbox(people.notify, MemoryIncidents(store))
    for n in range(5_000):
        outbox.put(Alert("event.parked", f"e-{n}", "x" * 5_000))

    calm = await outbox.deliver()

    ((title, body, _),) = people.told
    assert calm is False
    assert title == "outreach: 5000 alerts"
    assert body.endswith("and 4980 more: see the log, and outreach status")
    assert len(body) < 10_000
    assert await outbox.deliver()
    assert len(people.told) == 1


async def test_what_people_were_not_told_is_tried_again_and_then_left(
    store: MemoryStore,
) -> None:
    people = People(breaks=RuntimeError("https://secret.example/token"))
    known = MemoryIncidents(store)
    outbox = AppriseOutbox(people.notify, known)
    alerts = LogAlerts(known, outbox)

    with structlog.testing.capture_logs() as lines:
        await alerts.raise_(OFFLINE)
        results = [await outbox.deliver() for _ in range(outboxes.TRIES)]

    assert not any(results)
    assert "secret" not in repr(lines)
    assert said(lines).count("not_told") >= outboxes.TRIES
    people.breaks = None
    store.clock.advance(TELL_AGAIN)
    await alerts.raise_(OFFLINE)
    assert await outbox.deliver()
    assert "phone.offline" in people.told[0][1]


async def test_a_service_that_takes_nothing_is_tried_again(store: MemoryStore) -> None:
    people = People(takes=False)
    outbox = AppriseOutbox(people.notify, MemoryIncidents(store))
    outbox.put(OFFLINE)

    assert not await outbox.deliver()
    people.takes = True

    assert await outbox.deliver()
    assert [title for title, _, _ in people.told] == ["outreach: phone.offline"] * 2


async def test_a_text_with_line_breaks_stays_one_line(store: MemoryStore) -> None:
    people = People()
    outbox = AppriseOutbox(people.notify, MemoryIncidents(store))
    outbox.put(Alert("fact.anomaly", "l-1", "a\nCRITICAL b\u202e\x1b[31m"))

    await outbox.deliver()

    assert len(people.told[0][1].splitlines()) == 1
    assert "\u202e" not in people.told[0][1]


async def test_the_outbox_empties_itself_while_it_runs(store: MemoryStore) -> None:
    people = People()
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()

    def notify(title: str, body: str, severity: Severity) -> bool:
        loop.call_soon_threadsafe(arrived.set)
        return people.notify(title, body, severity)

    outbox = AppriseOutbox(notify, MemoryIncidents(store))
    task = asyncio.create_task(outbox.run())

    outbox.put(OFFLINE)
    async with asyncio.timeout(5):
        await arrived.wait()
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)

    assert isinstance(ended, asyncio.CancelledError)


# --- over apprise itself


@pytest.fixture
def service() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A receiver of apprise's own JSON notifications."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            got.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/canary-secret", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_apprise_delivers(service: tuple[str, list[dict[str, str]]]) -> None:
    url, got = service

    reached = open_sender([url])("outreach: a test", "two\nlines", Severity.CRITICAL)

    assert reached
    assert got[0]["title"] == "outreach: a test"
    assert got[0]["message"] == "two\nlines"
    assert got[0]["type"] == "failure"


def test_a_service_that_is_away_is_no_success(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    notify = open_sender(["json://127.0.0.1:9/canary-secret"])

    assert notify("a", "b", Severity.INFO) is False
    assert "canary" not in caplog.text


def test_a_url_that_nobody_knows_is_named_by_its_place_only() -> None:
    with pytest.raises(Misconfigured, match=r"number 2 of alerts\.urls") as caught:
        open_sender(["json://127.0.0.1:9/a", "nonsense://canary-secret"])

    assert "canary" not in str(caught.value)


def test_every_kind_has_a_severity() -> None:
    assert set(SEVERITY_OF.values()) <= set(Severity)
