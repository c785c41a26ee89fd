"""Signed links: opaque tokens by keyed hashes of the standard library alone.

A token is a synthetic nonce and a ciphertext, as in RFC 5297, with HMAC-SHA-256 for
both: the nonce is the keyed hash of what the token says, and the ciphertext hides what
it says under a stream that the nonce gives. So one and the same link is always written
the same way (a retry sends the same text), nothing can be read without the key, and a
changed bit anywhere makes another nonce. It never expires: an old mail must work.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import field, frozen

from outreach.domain.address import lead_key
from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.link import PROVIDER, Link, LinkKind, link_key

__all__ = ["ACCOUNT", "PATHS", "LinksReader", "SignedLinks", "followed"]

ACCOUNT: Final = "default"
PATHS: Final = {LinkKind.UNSUBSCRIBE: "u", LinkKind.CONSENT: "c"}
"""First part of the path of each kind of page."""

_CHANNELS: Final = (
    Channel.EMAIL_COLD,
    Channel.EMAIL_WARM,
    Channel.WHATSAPP,
    Channel.PHONE,
    Channel.MANUAL,
)
"""By their numbers in a token; added to at the end only."""
_NONCE_BYTES: Final = 16
_SAID_BYTES: Final = 2 + 3 * 16
_LONGEST_TOKEN: Final = 200


@frozen
class _Key:
    """The two keys that one secret gives."""

    naming: bytes = field(repr=False)
    hiding: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> _Key:
        made = [
            hmac.digest(secret.encode(), b"outreach/links/" + use, "sha256")
            for use in (b"naming", b"hiding")
        ]
        return cls(*made)

    def nonce(self, said: bytes) -> bytes:
        return hmac.digest(self.naming, said, "sha256")[:_NONCE_BYTES]

    def hidden(self, said: bytes, nonce: bytes) -> bytes:
        """And the same again shows it."""
        stream = b"".join(
            hmac.digest(self.hiding, nonce + bytes([block]), "sha256")
            for block in range(-(-len(said) // hashlib.sha256().digest_size))
        )
        return bytes(a ^ b for a, b in zip(said, stream, strict=False))


def _keys(secrets: Sequence[str]) -> tuple[_Key, ...]:
    return tuple(map(_Key.of, secrets))


@frozen
class SignedLinks:
    """Implements `outreach.ports.links.Links`.

    Attributes:
        keys: newest first: that one signs, all of them are read. None: no link.
        public: where people reach the web app, without a final slash.
    """

    keys: tuple[_Key, ...] = field(converter=_keys, repr=False)
    public: str

    def url(self, link: Link, language: str) -> str:
        """See the port."""
        if not self.keys:
            return ""
        key, said = self.keys[0], _said(link)
        nonce = key.nonce(said)
        token = _text(nonce + key.hidden(said, nonce))
        return f"{self.public}/{PATHS[link.kind]}/{language}/{token}"

    def read(self, token: str) -> Link | None:
        """See the port. Every key is tried, whichever fits."""
        raw = _bytes(token)
        nonce, cipher = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        found = None
        for key in self.keys:
            said = key.hidden(cipher, nonce)
            if hmac.compare_digest(key.nonce(said), nonce):
                found = said
        # A token that is spelled in another way is another token.
        is_ours = found is not None and hmac.compare_digest(
            _text(raw).encode(), token.encode("utf-8", "surrogatepass")
        )
        return _link(found) if found is not None and is_ours else None


def _said(link: Link) -> bytes:
    head = bytes([link.kind, _CHANNELS.index(link.channel)])
    return head + link.tenant.bytes + link.lead.bytes + link.about.bytes


def _link(said: bytes) -> Link:
    ids = [UUID(bytes=said[at : at + 16]) for at in range(2, _SAID_BYTES, 16)]
    return Link(
        kind=LinkKind(said[0]),
        channel=_CHANNELS[said[1]],
        tenant=TenantId(ids[0]),
        lead=LeadId(ids[1]),
        about=ids[2],
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(token: str) -> bytes:
    """What a token holds; of what is no token at all, as many zeros."""
    zeros = bytes(_NONCE_BYTES + _SAID_BYTES)
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return zeros
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return zeros
    return raw if len(raw) == len(zeros) else zeros


# --- what following a link leaves in the inbox


def followed(link: Link, at: datetime) -> Arrival:
    """A person asked to be left alone, at *at* (machine time)."""
    body = {
        "kind": link.kind.name,
        "tenant": str(link.tenant),
        "lead": str(link.lead),
        "about": str(link.about),
        "channel": link.channel,
        "at": at.isoformat(),
    }
    return Arrival(
        provider=PROVIDER,
        account=ACCOUNT,
        raw=json.dumps(body).encode(),
        key=link_key(link, at),
        type=EventType.UNSUBSCRIBE,
        # Nothing is sent to the lead from now on, even before the event is applied.
        address=lead_key(link.lead),
        received_at=at,
    )


@frozen
class LinksReader:
    """Implements `outreach.ports.gateway.Reads` for what `followed` stored."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See the port."""
        try:
            body = json.loads(raw)
            at = datetime.fromisoformat(body["at"])
            link = Link(
                kind=LinkKind[body["kind"]],
                tenant=TenantId(UUID(body["tenant"])),
                lead=LeadId(UUID(body["lead"])),
                about=UUID(body["about"]),
                channel=Channel(body["channel"]),
            )
            key = link_key(link, at)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return [_unreadable(raw)]
        event = SystemEvent(
            key=key,
            provider=PROVIDER,
            type=EventType.UNSUBSCRIBE,
            channel=link.channel,
            tenant=link.tenant,
            lead=link.lead,
            occurred_at=at,
            ours=True,
            detail="followed the link of a mail",
        )
        return [event]


def _unreadable(raw: bytes) -> SystemEvent:
    return SystemEvent(
        key=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.MANUAL,
        detail="nothing was read",
    )
