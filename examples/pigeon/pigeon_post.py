"""WhatsApp through Pigeon Post, a provider that does not exist."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.entrypoints.providers import Provider
from outreach.entrypoints.settings import ProviderTable
from outreach.ports.gateway import Absent, CannotTell, Found

NAME = "pigeon"
BASE_URL = "https://api.pigeon.example/v1"


class PigeonGateway:
    """Sends, and finds what it was given before."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        message = {
            "id": str(parcel.attempt),
            "from": parcel.sender_number,
            "to": parcel.to,
            "text": parcel.text,
        }
        try:
            async with asyncio.timeout(within.total_seconds()):
                answer = await self._client.post("/messages", json=message)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return NotAccepted(lane=True, detail=type(error).__name__)
        except (httpx.HTTPError, TimeoutError) as error:
            return UnknownOutcome(type(error).__name__)
        return _verdict(answer)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        del since  # they know each message by the id that went with it
        try:
            answer = await self._client.get(f"/messages/{parcel.attempt}")
        except httpx.HTTPError as error:
            return CannotTell(type(error).__name__)
        body = _json(answer.content)
        if answer.status_code == 404 and body.get("error") == "no_such_message":
            return Absent()
        ref = body.get("message")
        if answer.status_code == 200 and isinstance(ref, str) and ref:
            return Found(ref)
        return CannotTell(f"HTTP {answer.status_code}")


def _verdict(answer: httpx.Response) -> Answer:
    status, body = answer.status_code, _json(answer.content)
    ref, word = body.get("message"), body.get("error")
    if status == 202 and isinstance(ref, str) and ref:
        return Accepted(ref)
    if status == 422 and word == "not_on_whatsapp":
        return Refused(Refusal.INVALID_RECIPIENT, "not on WhatsApp")
    if status == 401:
        return NotAccepted(lane=True, signal=SenderSignal.AUTH_FAILED)
    if status == 429:
        asked = answer.headers.get("retry-after", "")
        wait = timedelta(seconds=int(asked)) if asked.isdecimal() else None
        return NotAccepted(lane=True, detail="429", retry_after=wait)
    if 400 <= status < 500:
        # Theirs says why. Without a word of theirs it was the edge, before them.
        return NotAccepted(lane=not word, detail=f"HTTP {status}")
    return UnknownOutcome(f"HTTP {status}")


_EVENTS = {"delivered": EventType.DELIVERED, "reply": EventType.REPLY}


class PigeonReader:
    """Reads what they post to our webhook."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        body = _json(raw)
        event, word, phone = (body.get(name) for name in ("event", "type", "phone"))
        known = _EVENTS.get(word) if isinstance(word, str) else None
        at = _moment(body.get("at"))
        if not (known and at and isinstance(event, str) and event):
            key = hashlib.sha256(raw).hexdigest()
            return [SystemEvent(key, NAME, EventType.UNKNOWN, Channel.WHATSAPP)]
        return [
            SystemEvent(
                f"event:{event}",
                NAME,
                known,
                Channel.WHATSAPP,
                ref=_text(body.get("message")),
                address=phone_key(phone) if isinstance(phone, str) and phone else None,
                content=_text(body.get("text")),
                occurred_at=at,
            )
        ]


class PigeonSignatures:
    """``pigeon-signature: <seconds>.<hex>``, HMAC-SHA256 of ``<seconds>.<body>``."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        stamp = headers.get("pigeon-signature", "").partition(".")[0]
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
            return False
        return abs(int(stamp) - now.timestamp()) < 300

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        if not self.may_be(headers, now):
            return False
        given = headers["pigeon-signature"].encode("latin-1", "replace")
        stamp = given.partition(b".")[0]
        ours = [sign(secret, stamp, raw) for secret in self._secrets]
        return any(hmac.compare_digest(given, one) for one in ours)


def sign(secret: bytes, stamp: bytes, raw: bytes) -> bytes:
    mac = hmac.new(secret, stamp + b"." + raw, hashlib.sha256).hexdigest()
    return stamp + b"." + mac.encode()


def _json(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC) if type(value) is int else None
    except (ValueError, OverflowError, OSError):
        return None


@asynccontextmanager
async def opened(base_url: str, key: str) -> AsyncIterator[PigeonGateway]:
    async with httpx.AsyncClient(
        base_url=base_url, headers={"authorization": f"Bearer {key}"}, trust_env=False
    ) as client:
        yield PigeonGateway(client)


def _open(table: ProviderTable, stack: AsyncExitStack) -> PigeonGateway:
    client = httpx.AsyncClient(
        base_url=table.base_url or BASE_URL,
        headers={"authorization": f"Bearer {table.api_key.reveal}"},
        trust_env=False,
    )
    stack.push_async_callback(client.aclose)
    return PigeonGateway(client)


def _signs(table: ProviderTable) -> PigeonSignatures | None:
    secrets = table.webhook_secrets
    return PigeonSignatures(secrets) if secrets else None


PIGEON = Provider(
    name=NAME,
    channels=frozenset({Channel.WHATSAPP}),
    open=_open,
    reader=PigeonReader,
    signs=_signs,
)
