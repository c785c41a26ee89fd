"""The dialects against doubles that nobody here wrote: two vendors' contracts, served.

They have no memory. What they can tell is whether a request is one that the contract
allows. An example of WAHA's breaks WAHA's own schema: then the double complains of its
answer, and of nothing else. Where a webhook is set, the two contracts are older than
their programs; those requests are held to them elsewhere, corrected.
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
from typing import Final

import pytest
from attrs import evolve
from tests.contract.baileys_gateways import KEY
from tests.node import fetched
from tests.vendor_specs import vendor_spec

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest
from outreach.adapters.baileys import Evolution, Waha, open_client
from outreach.adapters.baileys.dialect import Askable
from outreach.adapters.baileys.evolution import ref_of
from outreach.domain.message import Accepted, NotAccepted
from outreach.domain.sender import SenderSignal
from outreach.testing.gateway import OURS, parcel

AMPLE: Final = timedelta(seconds=20)
HERE: Final = pathlib.Path(__file__).parent
STARTS_WITHIN_S: Final = 60
SINCE: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
NAME: Final = OURS[0][1:]
WAHA, EVOLUTION = Waha(), Evolution()


@contextlib.contextmanager
def served(name: str) -> Iterator[str]:
    vendor_spec(name)
    contract = pathlib.Path(os.environ["OUTREACH_TEST_VENDOR_SPECS"]) / name
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


@pytest.fixture(scope="module")
def waha_url() -> Iterator[str]:
    with served("waha.json") as url:
        yield url


@pytest.fixture(scope="module")
def evolution_url() -> Iterator[str]:
    with served("evolution.json") as url:
        yield url


@contextlib.asynccontextmanager
async def client_of(
    dialect: Askable, url: str, key: str = KEY
) -> AsyncIterator[HttpClient]:
    client = open_client(dialect, key, base_url=url, user_agent="outreach tests")
    yield client
    await client.aclose()


async def asked(client: HttpClient, request: HttpRequest) -> HttpReply:
    reply = await client.fetch(request, AMPLE)
    assert isinstance(reply, HttpReply), reply
    return reply


def complaints(reply: HttpReply) -> list[object]:
    """What the double finds wrong with the request."""
    told = json.loads(reply.headers.get("sl-violations", "[]"))
    found = [one for one in told if one["location"][0] != "response"]
    if reply.status in {401, 404, 405, 415, 422}:
        found.append(reply.status)
    return found


async def test_every_request_to_waha_is_one_that_its_contract_allows(
    waha_url: str,
) -> None:
    requests = [
        WAHA.check_request(parcel()),
        WAHA.send_request(parcel(), ""),
        WAHA.history_request(parcel(), SINCE, 2),
        WAHA.accounts_request(),
        WAHA.hooks_request(NAME),
    ]
    async with client_of(WAHA, waha_url) as client:
        for request in requests:
            assert complaints(await asked(client, request)) == [], request.method


async def test_every_request_to_evolution_is_one_that_its_contract_allows(
    evolution_url: str,
) -> None:
    requests = [
        EVOLUTION.send_request(parcel("Bună ziua 👋"), ""),
        EVOLUTION.history_request(parcel(), SINCE, 2),
        EVOLUTION.accounts_request(),
        EVOLUTION.hooks_request(NAME),
        EVOLUTION.status_request(NAME, ref_of(OURS[0], "3EB0A1")),
    ]
    async with client_of(EVOLUTION, evolution_url) as client:
        for request in requests:
            assert complaints(await asked(client, request)) == [], request.method


async def test_the_contracts_example_of_a_sent_message_is_accepted(
    evolution_url: str,
) -> None:
    async with client_of(EVOLUTION, evolution_url) as client:
        reply = await asked(client, EVOLUTION.send_request(parcel(), ""))

    answer = EVOLUTION.answer(reply, parcel())
    assert answer == Accepted(ref_of(OURS[0], "BAE594145F4C59B4"))


async def test_the_contracts_example_of_a_number_is_one_that_is_there(
    waha_url: str,
) -> None:
    async with client_of(WAHA, waha_url) as client:
        reply = await asked(client, WAHA.check_request(parcel()))

    assert WAHA.read_check(reply) == ""


@pytest.mark.parametrize("dialect", [WAHA, EVOLUTION], ids=lambda one: str(one.name))
async def test_a_request_that_lacks_something_is_complained_of(
    dialect: Askable, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{dialect.name}_url")
    whole = dialect.send_request(parcel(), "")
    body = json.loads(whole.body or b"")
    del body["text"]
    without = evolve(whole, body=json.dumps(body).encode())

    async with client_of(dialect, url) as client:
        lacking = await asked(client, without)
    bare = HttpClient(url, user_agent="outreach tests")
    stranger = await asked(bare, whole)
    await bare.aclose()

    assert complaints(lacking)
    refused = dialect.answer(stranger, parcel())
    assert isinstance(refused, NotAccepted)
    assert refused.signal is SenderSignal.AUTH_FAILED
