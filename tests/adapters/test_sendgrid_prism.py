"""A proxy that nobody here wrote holds the adapter, and the double that the other tests
run against, to the vendor's own files.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from tests.adapters.sendgrid_events import KEY as VERIFIES
from tests.adapters.test_sendgrid_gateway import HOOK, TO, sent, warm
from tests.contract.sendgrid_account import KEY, Account
from tests.node import fetched
from tests.vendor_specs import vendor_folder

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest
from outreach.adapters.sendgrid import SendGridGateway, open_client, wire
from outreach.domain.message import Accepted, NotAccepted
from outreach.domain.sender import SenderSignal
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Confirmed
from outreach.testing.fault_server import FaultServer, Says
from outreach.testing.gateway import Situation
from outreach.testing.gateway_stops import stop_of

AMPLE: Final = timedelta(seconds=20)
HERE: Final = Path(__file__).parent
STARTS_WITHIN_S: Final = 60


@frozen
class Judged:
    """The double behind the proxy, and a client of the proxy."""

    server: FaultServer
    account: Account
    client: HttpClient

    @property
    def gateway(self) -> SendGridGateway:
        return SendGridGateway(self.client, keys=(VERIFIES,))

    async def ask(self, request: HttpRequest) -> HttpReply:
        reply = await self.client.fetch(request, AMPLE)
        assert isinstance(reply, HttpReply)
        return reply


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@contextlib.contextmanager
def proxied(upstream: str) -> Iterator[str]:
    """The URL of a proxy before *upstream*, which turns away what the files forbid."""
    contract = vendor_folder() / "sendgrid" / "oas_v3.json"
    program = fetched(HERE / "prism") / "node_modules" / ".bin" / "prism"
    with socket.create_server(("127.0.0.1", 0)) as plug:
        port = plug.getsockname()[1]
    at = ("-h", "127.0.0.1", "-p", str(port))
    process = subprocess.Popen(
        [str(program), "proxy", *at, "--errors", str(contract), upstream],
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
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, "prism ended by itself"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    pytest.fail(f"prism does not listen within {STARTS_WITHIN_S} s")


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Judged]:
    account = Account()
    async with FaultServer(account.react) as server:
        with proxied(server.url) as url:
            client = open_client(KEY, base_url=url, user_agent="outreach tests")
            yield Judged(server, account, client)
            await client.aclose()


@pytest.fixture
def judged(place: Judged) -> Judged:
    """With an account as new."""
    fresh = Account()
    place.server.react = fresh.react
    place.server.asked.clear()
    return evolve(place, account=fresh)


async def test_every_call_of_the_adapter_gets_through_without_a_violation(
    judged: Judged,
) -> None:
    gateway = judged.gateway
    plain = await gateway.send(warm("one"), AMPLE)
    answer = await gateway.send(
        warm("two", thread="<x@firma.ro>", unsubscribe="https://outreach.example/u/x"),
        AMPLE,
    )
    blocked = await gateway.stop(stop_of(StopKind.BLOCK, warm()))
    domains = await gateway.domains()
    await gateway.register(HOOK)
    judged.account.webhooks[0]["bounce"] = False
    await gateway.register(HOOK)

    assert plain == Accepted(judged.account.ref(0))
    assert answer == Accepted(judged.account.ref(1))
    assert isinstance(blocked, Confirmed)
    assert judged.account.blocked == [TO]
    assert [one.name for one in domains] == ["warm.example"]
    assert judged.account.webhooks[0]["bounce"] is True


@pytest.mark.parametrize(
    ("situation", "signal"),
    [
        (Situation.BUSY, None),
        (Situation.KEY_REVOKED, SenderSignal.AUTH_FAILED),
    ],
)
async def test_a_refusal_of_the_double_is_one_of_the_contract(
    judged: Judged, situation: Situation, signal: SenderSignal | None
) -> None:
    judged.account.situation = situation

    made = await judged.gateway.send(warm(), AMPLE)

    assert isinstance(made, NotAccepted), made
    assert made.signal is signal


async def test_a_double_that_lied_would_be_seen(judged: Judged) -> None:
    judged.server.react = lambda _: Says(201, {"recipient_emails": 5})

    reply = await judged.ask(wire.block_request(TO))

    assert reply.status == 500
    assert b"recipient_emails" in reply.body


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject": None}, "subject"),
        ({"from": None}, "from"),
        ({"from": {"email": "nobody"}}, "email"),
        ({"personalizations": [{"to": 5}]}, "to"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "value"),
        ({"tracking_settings": {"open_tracking": {"enable": "no"}}}, "enable"),
    ],
)
async def test_a_request_that_the_contract_forbids_never_reaches_the_double(
    judged: Judged, changes: dict[str, Any], named: str
) -> None:
    body = json.loads(sent(warm()).body or b"") | changes
    wrong = {name: value for name, value in body.items() if value is not None}

    reply = await judged.ask(evolve(sent(warm()), body=json.dumps(wrong).encode()))

    assert reply.status in {400, 422}
    assert named.encode() in reply.body
    assert not judged.server.asked
