"""Pages behind the links in what we send: GET shows, POST acts, and nothing is told."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import count
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs
from tests.adapters.web_world import NOW, BrokenInbox, speak

from outreach.adapters.memory import (
    MemoryClock,
    MemoryConsents,
    MemoryInbox,
    MemoryStore,
    TenantRow,
)
from outreach.adapters.memory.bell import MemoryBell
from outreach.adapters.system.links import LinksReader, SignedLinks, followed
from outreach.domain.channel import Channel
from outreach.domain.consent import Consent, ConsentKind
from outreach.domain.errors import Unavailable
from outreach.domain.event import Arrival, EventType
from outreach.domain.ids import Incarnation, LeadId, TenantId
from outreach.domain.lead import Email, Lead
from outreach.domain.link import Link, LinkKind
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.web.app import Limits, LinkParts, WebParts, create_app

TENANT: Final = TenantId(UUID(int=0xA))
LEAD: Final = LeadId(UUID(int=0xB))
LINK: Final = Link(
    LinkKind.UNSUBSCRIBE, TENANT, LEAD, UUID(int=0xC), Channel.EMAIL_COLD
)
NEW, OLD = "the newest key", "the key before it"
ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}
MULTIPART: Final = {"List-Unsubscribe": (None, "One-Click")}


@define(eq=False)
class Pages:
    """One app over a store in memory, and what it did in between.

    Attributes:
        slow: machine seconds that the store takes.
        slept: machine seconds that an answer was held back.
        asked: how often the store was asked for nothing.
    """

    limits: Limits = field(factory=Limits)
    keys: tuple[str, ...] = (NEW, OLD)
    seconds: float = 0.0
    slow: float = 0.001
    down: bool = False
    asked: int = 0
    slept: list[float] = field(factory=list)
    bell: MemoryBell = field(factory=MemoryBell)
    store: MemoryStore = field(init=False)
    inbox: BrokenInbox = field(init=False)
    app: Starlette = field(init=False)

    def __attrs_post_init__(self) -> None:
        ids = count(1)
        self.store = MemoryStore(MemoryClock(NOW, NOW), lambda: UUID(int=next(ids)))
        self.store.tenants[TENANT] = TenantRow(TENANT)
        mail = Email("ana@agro.example", role=False)
        self.store.keep_lead(TENANT, Lead(id=LEAD, emails=(mail,)))
        self.inbox = BrokenInbox(MemoryInbox(self.store), self._costs)
        links = SignedLinks(self.keys, "https://mail.example")
        self.app = create_app(
            WebParts(
                inbox=self.inbox,
                bell=self.bell,
                routes=(),
                probes={},
                metrics=Metrics(),
                limits=self.limits,
                now=lambda: NOW,
                monotonic=lambda: self.seconds,
            ),
            pages=LinkParts(
                links=links,
                consents=self.consents,
                nothing=self._nothing,
                language="ro",
                sleep=self._sleep,
            ),
        )

    @property
    def consents(self) -> MemoryConsents:
        return MemoryConsents(self.store)

    def _costs(self, _: Arrival | None) -> None:
        self.seconds += self.slow
        if self.down:
            message = "the store is away"
            raise Unavailable(message)

    async def _nothing(self) -> None:
        self.asked += 1
        self._costs(None)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with speak(self.app) as client:
            answer: httpx.Response = await client.request(method, path, **more)
            return answer

    async def stored(self) -> list[Arrival]:
        """What waits for a worker. It can be asked once."""
        taken = await self.inbox.take(Incarnation("test"), 1_000)
        return [arrived.arrival for arrived in taken]

    async def asked_for(self, text: str = "Da, sunt de acord.") -> Consent:
        kind = ConsentKind.ASKED
        return await self.consents.add(
            TENANT, LEAD, Channel.EMAIL_COLD, kind, text=text, source="form", by="ana"
        )


def path(link: Link = LINK, *, key: str = NEW, language: str = "ro") -> str:
    url = SignedLinks((key,), "https://mail.example").url(link, language)
    return url.removeprefix("https://mail.example")


def flipped(where: str) -> str:
    return where[:-5] + ("A" if where[-5] != "A" else "B") + where[-4:]


def seen(answer: httpx.Response) -> tuple[Any, ...]:
    """All that a stranger can see of an answer, but for its own id."""
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, headers, answer.content


STRANGE: Final = [
    flipped(path()),
    path(key="a key of somebody else"),
    "/u/ro/nothing",
    "/u/ro/" + "A" * 88,
    "/u/ro/" + "A" * 5_000,
    path(evolve(LINK, kind=LinkKind.CONSENT)).replace("/c/", "/u/"),
]


# --- GET


async def test_a_hundred_gets_change_nothing() -> None:
    pages = Pages()

    async with speak(pages.app) as client:
        answers = [await client.get(path()) for _ in range(100)]
        heads = [await client.head(path()) for _ in range(3)]

    assert {answer.status_code for answer in (*answers, *heads)} == {200}
    assert await pages.stored() == []
    assert not await pages.bell.wait(timedelta(seconds=0.05))
    assert pages.asked == 0


@pytest.mark.parametrize("strange", STRANGE)
async def test_a_get_shows_the_same_page_whatever_the_token(strange: str) -> None:
    pages = Pages()

    assert seen(await pages.ask("GET", strange)) == seen(await pages.ask("GET", path()))


# --- POST


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": MULTIPART},
        {"content": b""},
        {"content": b"\xff\x00", "headers": {"content-type": "text/plain"}},
    ],
    ids=["urlencoded", "multipart", "empty", "anything"],
)
async def test_a_post_is_stored_before_it_is_answered(body: dict[str, Any]) -> None:
    pages = Pages()

    answer = await pages.ask("POST", path(), **body)
    (arrival,) = await pages.stored()

    assert answer.status_code == 200
    assert arrival.type is EventType.UNSUBSCRIBE
    (event,) = LinksReader().read(arrival.raw)
    assert (event.tenant, event.lead) == (TENANT, LEAD)
    assert event.key == arrival.key
    assert await pages.bell.wait(timedelta(seconds=0.2))


async def test_the_same_post_twice_is_stored_once() -> None:
    pages = Pages()

    for _ in range(5):
        await pages.ask("POST", path(), data=ONE_CLICK)

    assert len(await pages.stored()) == 1


async def test_a_post_needs_no_cookie_and_sends_nobody_elsewhere() -> None:
    pages = Pages()

    for where in (path(), path().replace("/ro/", "/"), flipped(path())):
        answer = await pages.ask("POST", where, data=ONE_CLICK)

        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers


async def test_what_the_page_shows_can_be_pressed() -> None:
    pages = Pages()
    form = _Form()
    form.feed((await pages.ask("GET", path())).text)

    answer = await pages.ask(form.method.upper(), path(), data=form.fields)

    assert form.action is None, "to where the page came from, under any prefix"
    assert answer.status_code == 200
    assert len(await pages.stored()) == 1


@pytest.mark.parametrize("strange", STRANGE)
async def test_a_stranger_is_told_the_same_at_the_same_time(strange: str) -> None:
    valid, other = Pages(), Pages()

    ours = await valid.ask("POST", path(), data=ONE_CLICK)
    theirs = await other.ask("POST", strange, data=ONE_CLICK)

    assert seen(ours) == seen(theirs)
    assert valid.seconds == other.seconds == pytest.approx(0.25)
    assert (len(await valid.stored()), len(await other.stored())) == (1, 0)
    assert other.asked == 1, "it has asked the store as long as the valid one"


async def test_a_slow_store_moves_both_to_the_same_moment() -> None:
    valid, other = Pages(slow=0.3), Pages(slow=0.4)

    await valid.ask("POST", path(), data=ONE_CLICK)
    await other.ask("POST", flipped(path()), data=ONE_CLICK)

    assert valid.seconds == other.seconds == pytest.approx(0.5)


async def test_a_store_that_is_away_is_told_to_both() -> None:
    answers = []
    for where in (path(), flipped(path())):
        pages = Pages(down=True)
        answers.append(await pages.ask("POST", where, data=ONE_CLICK))

    assert seen(answers[0]) == seen(answers[1])
    assert answers[0].status_code == 503
    assert answers[0].headers["retry-after"] == "60"


async def test_who_asks_too_often_is_heard_all_the_same() -> None:
    pages = Pages(limits=Limits(posts=2, post_every=timedelta(hours=1)))
    for _ in range(2):
        await pages.ask("POST", flipped(path()), data=ONE_CLICK)

    strange = await pages.ask("POST", flipped(path()), data=ONE_CLICK)
    ours = await pages.ask("POST", path(), data=ONE_CLICK)

    assert strange.status_code == ours.status_code == 429
    assert strange.content == ours.content
    assert int(ours.headers["retry-after"]) > 0
    assert len(await pages.stored()) == 1


async def test_a_body_has_the_limits_of_the_other_routes() -> None:
    pages = Pages(limits=Limits(body_bytes=100))

    for where in (path(), flipped(path())):
        answer = await pages.ask("POST", where, content=b"x" * 101)

        assert answer.status_code == 413
    assert await pages.stored() == []


async def test_old_keys_are_still_read() -> None:
    pages = Pages()

    await pages.ask("POST", path(key=OLD), data=ONE_CLICK)

    assert len(await pages.stored()) == 1


async def test_without_a_key_nothing_is_ours() -> None:
    pages = Pages(keys=())

    answer = await pages.ask("POST", path(), data=ONE_CLICK)

    assert answer.status_code == 200
    assert await pages.stored() == []


async def test_the_pages_work_under_any_prefix() -> None:
    pages = Pages()
    app = Starlette(routes=[Mount("/a/b", pages.app)])

    async with speak(app) as client:
        shown = await client.get("/a/b" + path())
        done = await client.post("/a/b" + path(), data=ONE_CLICK)

    assert (shown.status_code, done.status_code) == (200, 200)
    assert len(await pages.stored()) == 1


async def test_no_log_line_holds_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pages = Pages(down=True)

    with capture_logs() as lines:
        for where in (path(), flipped(path())):
            await pages.ask("POST", where, data=ONE_CLICK)
            await pages.ask("GET", where)

    written = repr(lines) + "".join(
        r.getMessage() for r in caplog.records if not r.name.startswith("httpx")
    )
    assert lines
    assert path().rpartition("/")[2] not in written


# --- what the pages are


class _Form(HTMLParser):
    """What a browser, or one that reads aloud, makes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.method = ""
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = given["lang"] or ""
        if tag == "form":
            self.method, self.action = given["method"] or "", given.get("action")
        if tag == "input":
            self.fields[given["name"] or ""] = given["value"] or ""


@pytest.mark.parametrize("kind", ["u", "c"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("language", ["ro", "en", "ru"])
async def test_a_page_is_small_plain_and_in_the_leads_language(
    kind: str, method: str, language: str
) -> None:
    pages = Pages()

    answer = await pages.ask(method, f"/{kind}/{language}/nothing")
    form = _Form()
    form.feed(answer.text)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert form.language == language
    assert [form.tags.count(tag) for tag in ("title", "main", "h1")] == [1, 1, 1]
    assert form.tags.count("button") == (1 if method == "GET" else 0)
    assert not {"script", "img", "a", "link", "iframe"} & set(form.tags)
    assert len(answer.content) < 3_000


async def test_a_language_that_is_not_spoken_is_the_tenants() -> None:
    pages = Pages()

    answers = [await pages.ask("GET", where) for where in ("/u/xx/no", "/u/no")]

    assert all('<html lang="ro">' in answer.text for answer in answers)


async def test_a_page_may_load_nothing_but_its_own_style() -> None:
    answer = await Pages().ask("GET", path())

    policy = answer.headers["content-security-policy"]
    found = re.search("<style>(.*)</style>", answer.text)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


# --- consents


async def test_a_get_of_a_consent_confirms_nothing() -> None:
    pages = Pages()
    link = evolve(LINK, kind=LinkKind.CONSENT, about=(await pages.asked_for()).id)

    for _ in range(10):
        await pages.ask("GET", path(link))

    (kept,) = await pages.consents.of(TENANT, LEAD)
    assert not kept.stands


async def test_a_post_confirms_a_consent() -> None:
    pages = Pages()
    link = evolve(LINK, kind=LinkKind.CONSENT, about=(await pages.asked_for()).id)

    answer = await pages.ask("POST", path(link))

    (kept,) = await pages.consents.of(TENANT, LEAD)
    assert kept.stands
    assert kept.confirmed_at == NOW
    assert seen(answer) == seen(await pages.ask("POST", flipped(path(link))))


async def test_a_consent_of_eight_days_ago_is_none_and_that_is_not_told() -> None:
    pages = Pages()
    link = evolve(LINK, kind=LinkKind.CONSENT, about=(await pages.asked_for()).id)
    fresh = await pages.ask("POST", flipped(path(link)))
    pages.store.clock.advance_engine(timedelta(days=7))

    late = await pages.ask("POST", path(link))

    (kept,) = await pages.consents.of(TENANT, LEAD)
    assert not kept.stands
    assert seen(late) == seen(fresh)


async def test_a_link_to_unsubscribe_confirms_nothing() -> None:
    pages = Pages()
    consent = await pages.asked_for()
    link = evolve(LINK, about=consent.id)

    await pages.ask("POST", path(link).replace("/u/", "/c/"))

    (kept,) = await pages.consents.of(TENANT, LEAD)
    assert not kept.stands
    assert await pages.stored() == []


async def test_no_link_with_a_flipped_bit_does_anything() -> None:
    pages = Pages()
    whole = path()
    token = whole.rpartition("/")[2]
    begins = len(whole) - len(token)

    statuses = set()
    async with speak(pages.app) as client:
        for place in range(len(token) * 8):
            flipped = bytearray(whole, "ascii")
            flipped[begins + place // 8] ^= 1 << place % 8
            where = "/u/ro/" + quote(bytes(flipped[begins:]), safe="")
            statuses.add((await client.post(where, data=ONE_CLICK)).status_code)

    assert statuses <= {200, 404}
    assert await pages.stored() == []


# --- what is left in the inbox


def test_the_event_of_a_link_reads_back() -> None:
    arrival = followed(LINK, NOW)

    (event,) = LinksReader().read(arrival.raw)

    assert event.key == arrival.key
    assert event.type is arrival.type is EventType.UNSUBSCRIBE
    assert (event.tenant, event.lead, event.channel) == (TENANT, LEAD, LINK.channel)
    assert arrival.address is not None
    assert str(arrival.address) == f"lead:{LEAD}"


def test_who_agreed_again_is_heard_again() -> None:
    first, again = followed(LINK, NOW), followed(LINK, NOW + timedelta(seconds=59))
    later = followed(LINK, NOW + timedelta(minutes=1))

    assert first.key == again.key != later.key


@pytest.mark.parses
@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_no_bytes_fail_to_be_read(raw: bytes) -> None:
    (event,) = LinksReader().read(raw)

    assert event.type is EventType.UNKNOWN


@pytest.mark.parametrize("name", ["kind", "tenant", "lead", "about", "channel", "at"])
def test_a_body_that_lacks_something_is_unknown(name: str) -> None:
    raw = followed(LINK, NOW).raw.replace(f'"{name}"'.encode(), b'"x"')

    (event,) = LinksReader().read(raw)

    assert event.type is EventType.UNKNOWN
