"""The adapter against moto's server: SES and SNS by people who do not know us.

moto leaves out what it does not know (the account, the suppression list) and checks no
signature of a request; our own double does. It signs what its topics publish for real.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
import httpx
import pytest
from attrs import evolve
from botocore.config import Config
from tests.adapters.ses_events import event
from tests.adapters.test_ses_gateway import warm
from tests.adapters.web_world import Web, speak
from tests.contract.ses_account import REGION, SET

from outreach.adapters.ses import (
    Credentials,
    SesGateway,
    SesReader,
    open_account,
    signatures,
)
from outreach.domain.event import EventType
from outreach.domain.message import Accepted, NotAccepted
from outreach.domain.sender import SenderSignal
from outreach.domain.stop import StopKind
from outreach.entrypoints.web.app import WebhookRoute, create_app
from outreach.ports.gateway import Again
from outreach.testing.fault_server import Asked, FaultServer, Says
from outreach.testing.gateway_stops import stop_of

AMPLE: Final = timedelta(seconds=20)
CREDENTIALS: Final = Credentials("AKIATESTTESTTESTTEST", "secret", REGION)
_LISTENS: Final = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")
_ONCE: Final = Config(retries={"mode": "standard", "total_max_attempts": 1})


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "moto.server"),
            *("-H", "127.0.0.1", "-p", "0"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = iter(process.stderr.readline, "")
        found = (match for line in lines if (match := _LISTENS.search(line)))
        url = next(found)[1]
        yield url
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture
def vendor(moto: str) -> str:
    httpx.post(f"{moto}/moto-api/reset")
    their(moto, "sesv2").create_email_identity(EmailIdentity="warm.example")
    their(moto, "sesv2").create_configuration_set(ConfigurationSetName=SET)
    return moto


def their(url: str, service: str) -> Any:
    """The vendor's own client."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        config=_ONCE,
    )


@contextlib.asynccontextmanager
async def gateway_at(url: str) -> AsyncIterator[SesGateway]:
    account = open_account(
        CREDENTIALS, configuration_set=SET, base_url=url, user_agent="outreach tests"
    )
    yield SesGateway(account)
    await account.client.aclose()


def messages(url: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = httpx.get(f"{url}/moto-api/data.json").json()
    listed: list[dict[str, Any]] = found["ses"]["Message"]
    return listed


async def test_a_mail_of_ours_is_accepted_once_as_it_is(vendor: str) -> None:
    one = warm("Bună ziua 👋", thread="<x@firma.ro>", unsubscribe="https://o.example/u")

    async with gateway_at(vendor) as gateway:
        answer = await gateway.send(one, AMPLE)

    (mail,) = messages(vendor)
    assert isinstance(answer, Accepted)
    assert mail["id"] == answer.ref
    assert mail["source"] == one.sender_number
    assert mail["destinations"] == {"ToAddresses": [one.to]}
    assert (mail["subject"], mail["body"]) == (one.subject, one.text)


async def test_a_domain_that_it_does_not_know_takes_the_sender_away(
    vendor: str,
) -> None:
    async with gateway_at(vendor) as gateway:
        answer = await gateway.send(warm(sender_number="ion@cold.example"), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert answer.signal is SenderSignal.DISCONNECTED
    assert messages(vendor) == []


async def test_the_vendors_own_client_is_answered_as_we_are(vendor: str) -> None:
    theirs = their(vendor, "sesv2")
    content = {
        "Simple": {
            "Subject": {"Data": "Ofertă", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "Bună ziua", "Charset": "UTF-8"}},
        }
    }
    theirs.send_email(
        FromEmailAddress="ion@warm.example",
        Destination={"ToAddresses": ["ana@firma.ro"]},
        Content=content,
    )
    async with gateway_at(vendor) as gateway:
        await gateway.send(warm("Bună ziua", subject="Ofertă"), AMPLE)

    first, second = messages(vendor)
    assert {**first, "id": ""} == {**second, "id": ""}


async def test_what_it_has_no_page_for_is_the_edge_and_confirms_nothing(
    vendor: str,
) -> None:
    async with gateway_at(vendor) as gateway:
        answer = await gateway.stop(stop_of(StopKind.BLOCK, warm()))

    assert isinstance(answer, Again)


async def test_what_its_topic_publishes_comes_in_by_our_route(vendor: str) -> None:
    posted: list[Asked] = []

    def take(asked: Asked) -> Says:
        if asked.method == "POST":
            posted.append(asked)
            return Says(200, {})
        return Says(200, certificate_of(vendor, asked.path))

    async with FaultServer(take) as server:
        topics = their(vendor, "sns")
        arn = topics.create_topic(Name="outreach")["TopicArn"]
        topics.subscribe(TopicArn=arn, Protocol="http", Endpoint=server.url)
        message = json.dumps(event("Bounce"))
        await asyncio.to_thread(topics.publish, TopicArn=arn, Message=message)
        await server.until_asked(1)
        signed = signatures([arn], user_agent="tests", stand_in=server.url)
        route = WebhookRoute("ses", "default", SesReader(), signed=signed)
        there = Web(routes=(route,))
        now = datetime.now(UTC) + timedelta(minutes=1)
        there.app = app_at(there, now)
        raw = posted[0].body
        # moto sends no headers of SNS's own; the vendor documents these
        headers = {
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-topic-arn": arn,
        }
        async with speak(there.app) as client:
            answers = [
                await client.post("/webhooks/ses", content=body, headers=headers)
                for body in (raw, raw, raw.replace(b"Permanent", b"Transient"))
            ]

    assert [one.status_code for one in answers] == [200, 200, 401]
    assert [one.json()["stored"] for one in answers[:2]] == [1, 0]
    (arrival,) = await there.stored()
    assert (arrival.type, arrival.raw) == (EventType.BOUNCE, raw)


def certificate_of(vendor: str, path: str) -> bytes:
    """moto finds its topics by these two headers."""
    headers = {
        "host": f"sns.{REGION}.amazonaws.com",
        "authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/sns/x",
    }
    return httpx.get(f"{vendor}{path}", headers=headers).content


def app_at(there: Web, now: datetime) -> Any:
    return create_app(evolve(there.parts, now=lambda: now))
