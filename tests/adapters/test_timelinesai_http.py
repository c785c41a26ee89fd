"""The client below the adapter: what its failures prove, and what it gives away."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import httpcore
import httpx
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters import _http
from outreach.adapters._http import (
    MOST_BYTES,
    HttpClient,
    HttpReply,
    HttpRequest,
    Lost,
    NotSent,
    classify,
    retry_after,
)
from outreach.domain.errors import Misconfigured
from outreach.testing.fault_server import (
    FaultServer,
    Hangs,
    HangsUp,
    Reaction,
    Says,
    unused_url,
)

AMPLE: Final = timedelta(seconds=10)
SHORT: Final = timedelta(seconds=0.3)
GET: Final = HttpRequest("GET", "/there?phone=%2B40731000001")
POST: Final = HttpRequest("POST", "/there", b'{"text":"hush"}')
KEY: Final = "canary-key"


@define(eq=False)
class Desk:
    """A server that reacts as told, and clients that are closed at the end."""

    server: FaultServer = field(init=False)
    reaction: Reaction = field(factory=lambda: Says(200, {"ok": 1}))
    clients: list[HttpClient] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.server = FaultServer(lambda _: self.reaction)

    def client(
        self,
        url: str = "",
        *,
        requests_per_connection: int | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> HttpClient:
        made = HttpClient(
            f"{url or self.server.url}/api/",
            user_agent="outreach tests",
            headers={"authorization": f"Bearer {KEY}"},
            requests_per_connection=requests_per_connection,
            most_bytes=most_bytes,
        )
        self.clients.append(made)
        return made


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    async with desk.server:
        yield desk
        for client in desk.clients:
            await client.aclose()


async def test_a_request_arrives_as_it_was_written(desk: Desk) -> None:
    client = desk.client()

    got = await client.fetch(GET, AMPLE)
    posted = await client.fetch(POST, AMPLE)

    assert isinstance(got, HttpReply)
    assert isinstance(posted, HttpReply)
    assert (got.status, got.body) == (200, b'{"ok": 1}')
    first, second = desk.server.asked
    assert first.target == "/api/there?phone=%2B40731000001"
    assert first.headers["user-agent"] == "outreach tests"
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["accept-encoding"] == "identity"
    assert second.body == POST.body
    assert second.headers["content-type"] == "application/json"
    assert first.connection == second.connection


async def test_a_request_may_have_a_header_of_its_own(desk: Desk) -> None:
    request = HttpRequest("POST", "/emails", b"{}", {"idempotency-key": "k-1"})

    client = desk.client()
    wrong = HttpRequest("POST", "/emails", b"{}", {"idempotency-key": "k\r\nx: y"})

    await client.fetch(request, AMPLE)
    with pytest.raises(Misconfigured, match="idempotency-key"):
        await client.fetch(wrong, AMPLE)

    (asked,) = desk.server.asked
    assert asked.headers["idempotency-key"] == "k-1"


async def test_a_redirect_is_not_followed(desk: Desk) -> None:
    desk.reaction = Says(307, b"", headers={"location": f"{desk.server.url}/other"})

    reply = await desk.client().fetch(POST, AMPLE)

    assert isinstance(reply, HttpReply)
    assert reply.status == 307
    assert len(desk.server.asked) == 1


@pytest.mark.parametrize(
    "error", [httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout]
)
def test_a_failure_before_the_first_byte_proves_that_nothing_left(
    error: type[Exception],
) -> None:
    assert classify(error("secret")) == NotSent(error.__name__)


@pytest.mark.parametrize(
    "error",
    [
        httpcore.ReadTimeout("secret"),
        httpcore.ReadError("secret"),
        httpcore.WriteError("secret"),
        httpcore.WriteTimeout("secret"),
        httpx.CloseError("secret"),
        httpcore.RemoteProtocolError("secret"),
        httpcore.LocalProtocolError("secret"),
        httpx.DecodingError("secret"),
        ConnectionResetError("secret"),
        TimeoutError("secret"),
        ssl.SSLError("secret"),
    ],
)
def test_every_other_failure_proves_nothing(error: Exception) -> None:
    assert classify(error) == Lost(type(error).__name__)


async def test_a_port_that_refuses_was_not_sent_to(desk: Desk) -> None:
    answer = await desk.client(unused_url()).fetch(POST, AMPLE)

    assert isinstance(answer, NotSent)


async def test_a_name_that_nobody_has_was_not_sent_to(desk: Desk) -> None:
    answer = await desk.client("http://nowhere.invalid").fetch(POST, AMPLE)

    assert isinstance(answer, NotSent)


async def test_a_failed_tls_handshake_was_not_sent_to(desk: Desk) -> None:
    plain = desk.server.url.replace("http:", "https:")

    answer = await desk.client(plain).fetch(POST, timedelta(seconds=1))

    assert isinstance(answer, NotSent)
    assert not desk.server.asked


async def test_without_time_nothing_is_sent(desk: Desk) -> None:
    assert isinstance(await desk.client().fetch(POST, timedelta()), NotSent)
    assert not desk.server.asked


@pytest.mark.parametrize(
    "reaction",
    [
        Hangs(),
        HangsUp(),
        HangsUp(politely=True),
        HangsUp(b"HTTP/1.1 200 OK\r\ncontent-le"),
        HangsUp(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", politely=True),
        HangsUp(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ],
)
async def test_without_a_whole_answer_it_may_have_arrived(
    desk: Desk, reaction: Reaction
) -> None:
    desk.reaction = reaction

    answer = await desk.client().fetch(POST, SHORT if reaction == Hangs() else AMPLE)

    assert isinstance(answer, Lost)
    assert len(desk.server.asked) == 1


async def test_an_answer_beyond_the_bound_is_lost(desk: Desk) -> None:
    client = desk.client(most_bytes=1_000)

    desk.reaction = Says(200, b"x" * 1_000)
    assert isinstance(await client.fetch(GET, AMPLE), HttpReply)
    desk.reaction = Says(200, b"x" * 1_001)
    assert isinstance(await client.fetch(GET, AMPLE), Lost)


async def test_no_connection_carries_more_than_its_number_of_requests(
    desk: Desk,
) -> None:
    client = desk.client(requests_per_connection=5)

    for _ in range(3):
        await asyncio.gather(*(client.fetch(GET, AMPLE) for _ in range(4)))
    for _ in range(20):
        await client.fetch(GET, AMPLE)

    carried = Counter(asked.connection for asked in desk.server.asked)
    assert sum(carried.values()) == 32
    assert max(carried.values()) == 5


async def test_a_connection_that_has_carried_its_number_is_closed(desk: Desk) -> None:
    client = desk.client(requests_per_connection=5)

    for _ in range(10):
        await client.fetch(GET, AMPLE)

    async with asyncio.timeout(AMPLE.total_seconds()):
        await desk.server.until_open(0)
    closing = [one for one in desk.server.asked if "connection" in one.headers]
    assert closing == [desk.server.asked[4], desk.server.asked[9]]
    assert {one.headers["connection"] for one in closing} == {"close"}


async def test_one_request_after_another_shares_a_connection(desk: Desk) -> None:
    client = desk.client()

    for _ in range(20):
        await client.fetch(GET, AMPLE)

    assert {asked.connection for asked in desk.server.asked} == {1}


async def test_a_connection_that_was_silent_too_long_is_not_used_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "KEEP_ALIVE", timedelta(seconds=0.05))
    client = desk.client()

    await asyncio.gather(*(client.fetch(GET, AMPLE) for _ in range(3)))
    await asyncio.sleep(0.1)
    await client.fetch(GET, AMPLE)

    assert desk.server.asked[-1].connection == 4
    async with asyncio.timeout(AMPLE.total_seconds()):
        await desk.server.until_open(1)


async def test_a_cancelled_call_says_so_and_harms_no_other(desk: Desk) -> None:
    client = desk.client()
    desk.reaction = Hangs()
    call = asyncio.create_task(client.fetch(POST, AMPLE))
    await desk.server.until_asked(1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    desk.reaction = Says(200, b"")

    assert isinstance(await client.fetch(GET, AMPLE), HttpReply)


async def test_what_the_kernel_holds_of_a_dead_workers_request_is_given_up_in_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, ...]] = []
    real = socket.socket.setsockopt

    def spy(plug: socket.socket, level: int, option: int, value: int) -> None:
        given.append((level, option, value))
        real(plug, level, option, value)

    monkeypatch.setattr(socket.socket, "setsockopt", spy)
    await desk.client().fetch(GET, AMPLE)

    known = getattr(socket, "TCP_USER_TIMEOUT", None)
    expected = (socket.IPPROTO_TCP, known, 10_000)
    assert (expected in given) is (known is not None)


async def test_a_proxy_of_the_environment_is_not_used(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, unused_url())

    assert isinstance(await desk.client().fetch(GET, AMPLE), HttpReply)


async def test_no_log_and_no_repr_holds_a_key_a_number_or_a_text(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = desk.client()

    replies = [await client.fetch(request, AMPLE) for request in (GET, POST)]

    assert caplog.records, "the libraries below do log at this level"
    shown = caplog.text + repr((client, replies, GET, POST))
    for secret in (KEY, "40731000001", "hush", "/there"):
        assert secret not in shown


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "app.timelines.ai",
        "ftp://example.com",
        "https://",
        "https://user:canary@example.com",
        "https://example.com/?canary=1",
        "https://example.com/#canary",
        "https://exa mple.com",
        "https://example.com:port",
    ],
)
def test_a_base_url_that_is_none_is_refused_and_not_quoted(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="base URL must be http") as told:
        HttpClient(base_url, user_agent="tests")

    assert "canary" not in str(told.value)


@pytest.mark.parametrize("key", ["canary\n", " canary", "canäry", "ca\x00nary"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(Misconfigured, match="header x-key cannot be sent") as told:
        HttpClient("https://h", user_agent="tests", headers={"x-key": key})

    assert "nary" not in str(told.value)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, 86_400),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT"}, None),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 10:00:30 GMT",
                "date": "Fri, 20 Nov 2026 10:00:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 10:00:00 GMT",
                "date": "Fri, 20 Nov 2026 10:00:30 GMT",
            },
            None,
        ),
    ],
)
def test_a_wait_is_seconds_or_a_time_by_the_servers_own_clock(
    headers: dict[str, str], wait: int | None
) -> None:
    expected = None if wait is None else timedelta(seconds=wait)

    assert retry_after(headers) == expected


@pytest.mark.parses
@given(st.text(), st.text())
def test_no_header_of_a_stranger_makes_the_wait_raise(said: str, date: str) -> None:
    wait = retry_after({"retry-after": said, "date": date})

    assert wait is None or timedelta() <= wait <= timedelta(days=1)
