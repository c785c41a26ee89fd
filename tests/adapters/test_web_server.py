"""The app on a real socket, with clients that lie, dawdle and break off."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from starlette.applications import Starlette
from tests.adapters.web_world import PATH, Web, reply

from outreach.domain.errors import Misconfigured, Unavailable
from outreach.entrypoints.web import server as serving
from outreach.entrypoints.web.app import Limits, create_app
from outreach.entrypoints.web.server import Server

HOST: Final = "127.0.0.1"
MIB: Final = 1 << 20
SLOW_SOCKETS: Final = 100

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(web: Web) -> AsyncIterator[int]:
    server = Server(web.app, HOST, 0)
    try:
        yield await server.start()
    finally:
        await server.stop()


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(*headers: str, path: str = PATH) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: web", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def status_of(line: Line) -> int:
    async with asyncio.timeout(10):
        said = await line[0].readuntil(b"\r\n\r\n")
    return int(said.split()[1])


async def sent(port: int, *parts: bytes) -> int:
    """The status that the parts, sent one by one, are answered with."""
    async with dialled(port) as line:
        for part in parts:
            line[1].write(part)
            await line[1].drain()
        return await status_of(line)


async def ended(line: Line) -> bool:
    """Whether the other side closes the connection, soon."""
    async with asyncio.timeout(10):
        try:
            while await line[0].read(65_536):
                pass
        except ConnectionError:
            return True
    return True


async def test_it_serves_beside_other_tasks_and_leaves_signals_alone() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    web = Web()

    async with served(web) as port, httpx.AsyncClient(trust_env=False) as client:
        url = f"http://{HOST}:{port}"
        answers = [
            await client.post(url + PATH, content=reply(str(n))) for n in range(3)
        ]
        during = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    assert [answer.json() for answer in answers] == [{"stored": 1}] * 3
    assert "server" not in answers[0].headers
    assert during == before
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection(HOST, port)


async def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(Misconfigured) as caught:
            await Server(Web().app, HOST, port).start()

    assert str(caught.value) == f"port {port} is taken: set OUTREACH_WEB_PORT"


async def test_a_host_that_is_not_ours_is_one_clear_line() -> None:
    with pytest.raises(Misconfigured, match=r"no address of this machine.*_WEB_HOST"):
        await Server(Web().app, "192.0.2.1", 0).start()


async def test_the_lifespan_opens_before_the_first_request_and_closes_last() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        steps.append("opened")
        yield
        steps.append("closed")

    server = Server(create_app(Web().parts, lifespan=lifespan), HOST, 0)
    port = await server.start()
    opened = list(steps)
    status = await sent(port, head("Content-Length: 2"), b"{}")
    await server.stop()
    await server.stop()

    assert (opened, status, steps) == (["opened"], 200, ["opened", "closed"])


async def test_a_lifespan_that_fails_is_raised_and_frees_the_port() -> None:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        message = "PostgreSQL does not answer"
        if message:
            raise Unavailable(message)
        yield

    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
    server = Server(create_app(Web().parts, lifespan=lifespan), HOST, port)

    with pytest.raises(Unavailable, match="PostgreSQL does not answer"):
        await server.start()

    with socket.create_server((HOST, port)):
        pass


async def test_a_stop_lets_a_delivery_end_that_is_under_way() -> None:
    web = Web()
    server = Server(web.app, HOST, 0)
    port = await server.start()

    async with dialled(port) as line:
        body = reply()
        line[1].write(head(f"Content-Length: {len(body)}"))
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.2)
        line[1].write(body)
        status = await status_of(line)
        await stopping

    assert status == 200
    assert len(await web.stored()) == 1


def chunked(size: int, piece: int = 65_536) -> bytes:
    one = b"%x\r\n%s\r\n" % (piece, b" " * piece)
    return one * (size // piece)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (["Transfer-Encoding: chunked"], chunked(MIB) + b"0\r\n\r\n", 200),
        (["Transfer-Encoding: chunked"], chunked(2 * MIB) + b"0\r\n\r\n", 413),
        (["Transfer-Encoding: chunked"], chunked(2 * MIB), 413),
        ([f"Content-Length: {MIB + 1}"], b"", 413),
        ([f"Content-Length: {MIB + 1}"], b" " * (MIB + 1), 413),
        (["Content-Length: 99999999999999999999999"], b"", 400),
        (["Content-Length: x"], b"", 400),
        (["Content-Length: -1"], b"", 400),
        (["Content-Length: 2", "Transfer-Encoding: chunked"], b"{}", 400),
        (["Content-Length: 2"], b"{}" + b"x" * 100, 400),
        (["Content-Length: 2", "Content-Encoding: gzip"], b"{}", 415),
        (["Content-Length: 0"], b"", 200),
    ],
    ids=range(12),
)
async def test_framing_that_is_too_large_or_a_lie_is_answered(
    headers: list[str], body: bytes, status: int
) -> None:
    web = Web()

    async with served(web) as port:
        answered = await sent(port, head(*headers), body)
        async with httpx.AsyncClient(trust_env=False) as client:
            after = await client.post(f"http://{HOST}:{port}{PATH}", content=reply())

    assert (answered, after.status_code) == (status, 200)
    assert all(len(one.raw) <= MIB for one in await web.stored())


async def test_a_body_shorter_than_it_says_is_given_up() -> None:
    web = Web(limits=Limits(body_within=timedelta(seconds=0.2)))

    async with served(web) as port, dialled(port) as line:
        line[1].write(head("Content-Length: 1000") + b"{}")
        status = await status_of(line)
        closed = await ended(line)

    assert (status, closed) == (408, True)
    assert await web.stored() == []


async def test_a_client_that_hangs_up_in_its_body_leaves_nothing_behind() -> None:
    web = Web()

    async with served(web) as port:
        async with dialled(port) as line:
            line[1].write(head("Content-Length: 1000") + b"{}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)

    assert web.webhooks("gone") == 1
    assert await web.stored() == []


async def test_a_forged_delivery_in_two_packets_reads_its_401() -> None:
    web = Web()
    body = reply(text="x" * 300_000)
    forged = head(f"Content-Length: {len(body)}", path="/webhooks/timelinesai/no")

    async with served(web) as port:
        statuses = {await sent(port, forged, body) for _ in range(20)}

    assert statuses == {401}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def set_(seconds: float) -> None:
        monkeypatch.setattr(serving, "REQUEST_SECONDS", seconds)

    return set_


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"\r\n",
        b"POST",
        head()[:-2],
        head("Transfer-Encoding: chunked", path="/none"),
        head("Content-Length: 10", path="/webhooks/timelinesai/no") + b"x",
    ],
    ids=range(6),
)
async def test_a_request_that_never_ends_is_closed(
    begun: bytes, impatient: Callable[[float], None]
) -> None:
    impatient(0.3)

    async with served(Web()) as port, dialled(port) as line:
        line[1].write(begun)
        closed = await ended(line)

    assert closed


async def test_a_slow_answer_is_not_a_slow_request(
    impatient: Callable[[float], None],
) -> None:
    impatient(0.1)

    async def slow() -> None:
        await asyncio.sleep(0.5)

    web = Web(probes={"database": slow})
    async with served(web) as port:
        # the line break after it is no second request
        asking = b"GET /readyz HTTP/1.1\r\nHost: web\r\n\r\n\r\n"
        status = await sent(port, asking)

    assert status == 200


async def test_a_head_without_end_is_closed_in_bounded_memory() -> None:
    async with served(Web()) as port, dialled(port) as line:
        line[1].write(head()[:-2])
        written = 0
        closed = False
        while not closed and written < 64 * MIB:
            line[1].write(b"x-more: " + b"y" * 8_000 + b"\r\n")
            written += 8_000
            try:
                await line[1].drain()
            except ConnectionError:
                closed = True
            await asyncio.sleep(0)

    assert closed


async def test_many_slow_clients_do_not_keep_good_ones_out() -> None:
    web = Web()
    loop = asyncio.get_running_loop()
    lines: list[Line] = []
    took: list[float] = []

    async def trickle() -> None:
        """A byte per socket and round: of heads, of bodies, of forged bodies."""
        for round_ in range(10_000):
            for _, writer in lines:
                writer.write(b"abcdefgh"[round_ % 8 :][:1])
            await asyncio.sleep(0.1)

    begun = (
        head()[:-4] + b"\r\nX-Slow: ",
        head("Content-Length: 100000"),
        head("Content-Length: 100000", path="/webhooks/timelinesai/no"),
    )
    async with served(web) as port:
        for n in range(SLOW_SOCKETS):
            line = await asyncio.open_connection(HOST, port)
            line[1].write(begun[n % len(begun)])
            lines.append(line)
        trickling = asyncio.create_task(trickle())
        async with httpx.AsyncClient(trust_env=False) as client:
            for n in range(100):
                began = loop.time()
                answer = await client.post(
                    f"http://{HOST}:{port}{PATH}", content=reply(f"good-{n}")
                )
                took.append(loop.time() - began)
                assert answer.json() == {"stored": 1}
        trickling.cancel()
        for _, writer in lines:
            writer.close()

    assert sorted(took)[-2] < 0.25


async def test_a_forwarded_address_counts_only_from_a_proxy_that_is_trusted() -> None:
    limits = Limits(failures=1, failure_every=timedelta(minutes=1))
    forged = "/webhooks/timelinesai/no"

    async def statuses(proxies: tuple[str, ...]) -> list[int]:
        server = Server(Web(limits=limits).app, HOST, 0, proxies=proxies)
        url = f"http://{HOST}:{await server.start()}{forged}"
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = [
                await client.post(url, headers={"X-Forwarded-For": f"198.51.100.{n}"})
                for n in range(3)
            ]
        await server.stop()
        return [answer.status_code for answer in answers]

    assert await statuses((HOST,)) == [401, 401, 401]
    assert await statuses(("10.0.0.1",)) == [401, 429, 429]


async def test_nothing_of_a_path_is_written_to_any_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    async with served(Web()) as port:
        await sent(port, head("Content-Length: 2"), b"{}")
        await sent(port, head("Content-Length: 2", path=f"{PATH}x"), b"{}")
        await sent(port, b"POST " + PATH.encode() + b" HTP/1.1\r\n\r\n")

    out: Any = capfd.readouterr()
    assert "canary" not in caplog.text + out.out + out.err
