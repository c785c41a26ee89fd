"""The adapter against a double that nobody here wrote: the vendor's contract, served.

It has no memory and no errors but those of the contract, which names none: what it can
tell is whether a request is one that the contract allows.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from attrs import evolve
from tests.adapters.test_resend_gateway import HOOK, TO, warm
from tests.contract.resend_account import KEY
from tests.node import fetched
from tests.vendor_specs import vendor_spec

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest
from outreach.adapters.resend import ResendGateway, open_client, wire
from outreach.adapters.resend.acceptance import answer
from outreach.domain.message import Accepted, NotAccepted, UnknownOutcome
from outreach.domain.sender import SenderSignal

AMPLE: Final = timedelta(seconds=20)
HERE: Final = pathlib.Path(__file__).parent
STARTS_WITHIN_S: Final = 60
REF: Final = str(UUID(int=7))


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    vendor_spec("resend.yaml")
    contract = pathlib.Path(os.environ["OUTREACH_TEST_VENDOR_SPECS"]) / "resend.yaml"
    program = fetched(HERE / "prism") / "node_modules" / ".bin" / "prism"
    with socket.create_server(("127.0.0.1", 0)) as plug:
        port = plug.getsockname()[1]
    process = subprocess.Popen(
        [
            *(str(program), "mock", "-h", "127.0.0.1", "-p", str(port)),
            *("--errors", str(contract)),
        ],
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


@pytest.fixture
async def client(prism: str) -> AsyncIterator[HttpClient]:
    client = open_client(KEY, base_url=prism, user_agent="outreach tests")
    yield client
    await client.aclose()


async def asked(client: HttpClient, request: HttpRequest) -> HttpReply:
    reply = await client.fetch(request, AMPLE)
    assert isinstance(reply, HttpReply)
    return reply


async def test_a_mail_of_ours_is_accepted(client: HttpClient) -> None:
    for one in (
        warm(),
        warm(thread="<x@firma.ro>", unsubscribe="https://outreach.example/u/x"),
    ):
        made = await ResendGateway(client).send(one, AMPLE)

        assert isinstance(made, Accepted), made


@pytest.mark.parametrize(
    "request_",
    [
        wire.mails_request(),
        wire.mails_request("x"),
        wire.mail_request(REF),
        wire.received_request(REF),
        wire.cancel_request(REF),
        wire.block_request(TO),
        wire.domains_request(),
        wire.webhooks_request(),
        wire.webhooks_request(REF),
        wire.webhook_request(HOOK),
        wire.change_webhook_request(REF),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
async def test_every_other_request_is_one_of_the_contract(
    client: HttpClient, request_: HttpRequest
) -> None:
    reply = await asked(client, request_)

    assert reply.status in {200, 201}, reply.body


async def test_what_the_contract_answers_can_be_read(client: HttpClient) -> None:
    mails, _ = wire.read_mails(await asked(client, wire.mails_request()))
    mail = wire.read_mail(await asked(client, wire.mail_request(REF)))
    received = wire.read_received(await asked(client, wire.received_request(REF)))
    domains, _, _ = wire.read_domains(await asked(client, wire.domains_request()))
    hooks = wire.read_webhooks(await asked(client, wire.webhooks_request()))
    secret = wire.read_secret(await asked(client, wire.webhook_request(HOOK)))

    assert mail is not None
    assert received is not None
    assert mails[0].at is not None
    assert mail.message_id.startswith("<")
    assert domains[0].name == "example.com"
    assert hooks[0].url.startswith("https://")
    assert secret.startswith("whsec_")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject": None}, "subject"),
        ({"from": None}, "from"),
        ({"to": 5}, "to"),
        ({"to": [TO] * 51}, "to"),
        ({"tags": "a"}, "tags"),
    ],
)
async def test_a_request_that_the_contract_forbids_is_seen(
    client: HttpClient, changes: dict[str, Any], named: str
) -> None:
    request = wire.send_request(warm())
    assert isinstance(request, HttpRequest)
    body = json.loads(request.body or b"") | changes
    wrong = {name: value for name, value in body.items() if value is not None}

    reply = await asked(client, evolve(request, body=json.dumps(wrong).encode()))

    assert reply.status == 422
    assert named in json.dumps(json.loads(reply.body)["validation"])


async def test_an_answer_of_something_before_the_api_proves_nothing(
    client: HttpClient,
) -> None:
    """A key that is too long is refused, in words that are not the vendor's."""
    request = wire.send_request(warm())
    assert isinstance(request, HttpRequest)
    long = evolve(request, headers={"idempotency-key": "k" * 257})

    reply = await asked(client, long)

    assert reply.status == 422
    assert isinstance(answer(reply), UnknownOutcome)


async def test_without_a_key_nothing_is_accepted(prism: str) -> None:
    client = HttpClient(prism, user_agent="outreach tests")
    made = await ResendGateway(client).repeat(warm(), datetime.now(UTC), AMPLE)
    await client.aclose()

    assert isinstance(made, NotAccepted)
    assert made.signal is SenderSignal.AUTH_FAILED
