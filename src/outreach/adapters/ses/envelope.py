r"""What Amazon SNS wraps a message in, and what of it is signed. No I/O.

A signature is over the lines ``name\nvalue\n`` of some members in the order of their
names (``sns-verify-signature-of-message``). It proves that Amazon sent it, not that the
topic is ours: for that the topic's name is compared with those we were told.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.adapters import _json

__all__ = [
    "TOPIC",
    "Envelope",
    "Kind",
    "certificate_path",
    "is_hosted",
    "open_envelope",
    "region_of",
]


class Kind(StrEnum):
    """The types of message; a header says it, too."""

    NOTIFICATION = "Notification"
    CONFIRM = "SubscriptionConfirmation"
    LEAVE = "UnsubscribeConfirmation"


TOPIC: Final = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:sns:([a-z]{2}(?:-[a-z]{1,16}){1,3}-\d{1,2}):\d{12}:"
    r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
)
"""Name of a topic (ARN); its region stands in it."""

_SIGNED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.NOTIFICATION: (
        *("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    ),
    Kind.CONFIRM: (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token"),
        *("TopicArn", "Type"),
    ),
    Kind.LEAVE: (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token"),
        *("TopicArn", "Type"),
    ),
}
_OPTIONAL: Final = "Subject"
_CERTIFICATE: Final = re.compile(r"/[A-Za-z0-9_-]{1,128}\.pem")
_LONGEST_URL: Final = 2_000
_MOST_SIGNATURE: Final = 2_000


@frozen
class Envelope:
    """A delivery, as far as it can be judged without a key.

    Attributes:
        version: of the signature: ``1`` (SHA-1) or ``2`` (SHA-256).
        signed: the bytes that the signature is over.
        message: what was published; a JSON, as text.
        subscribe_url: which confirms a subscription, of a CONFIRM and of a LEAVE.
    """

    kind: Kind
    id: str
    topic: str
    message: str = field(repr=False)
    version: str
    signature: bytes = field(repr=False)
    certificate_url: str
    signed: bytes = field(repr=False)
    subscribe_url: str = field(default="", repr=False)


def open_envelope(raw: bytes) -> Envelope | None:
    """Read a delivery; None: it is none. Never raises."""
    try:
        body = _json.parse(raw)
    except _json.Unreadable:
        return None
    if not isinstance(body, dict) or _text(body.get("Type")) not in set(Kind):
        return None
    kind = Kind(body["Type"])
    named = {name: body.get(name) for name in _SIGNED[kind]}
    if named.get(_OPTIONAL) is None:
        named.pop(_OPTIONAL, None)
    said = {name: one for name, one in named.items() if isinstance(one, str)}
    one_line = (value for name, value in said.items() if name != "Message")
    if len(said) < len(named) or any("\n" in value for value in one_line):
        return None
    try:
        signed = "".join(f"{name}\n{value}\n" for name, value in said.items()).encode()
    except UnicodeEncodeError:
        return None
    return Envelope(
        kind=kind,
        id=said["MessageId"],
        topic=said["TopicArn"],
        message=said["Message"],
        version=_text(body.get("SignatureVersion")),
        signature=_decoded(body.get("Signature")),
        certificate_url=_text(body.get("SigningCertURL") or body.get("SigningCertUrl")),
        signed=signed,
        subscribe_url=said.get("SubscribeURL", ""),
    )


def region_of(topic: str) -> str:
    """The region that a topic is in; empty: it is no topic's name."""
    found = TOPIC.fullmatch(topic)
    return found[1] if found else ""


def is_hosted(url: str, topic: str) -> bool:
    """Whether *url* leads to the vendor's own host for the region of *topic*, by https
    and its usual port, as a URL of ordinary characters only.
    """
    region = region_of(topic)
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>@#')
    if not region or not is_plain or len(url) > _LONGEST_URL:
        return False
    china = region.startswith("cn-")
    host = f"sns.{region}.amazonaws.com" + (".cn" if china else "")
    try:
        split = urlsplit(url)
    except ValueError:
        return False
    return split.scheme == "https" and split.netloc == host


def certificate_path(envelope: Envelope) -> str:
    """Where at the vendor's host the certificate lies; empty: it is not there."""
    url = envelope.certificate_url
    if not is_hosted(url, envelope.topic):
        return ""
    split = urlsplit(url)
    plain = not split.query and _CERTIFICATE.fullmatch(split.path) is not None
    return split.path if plain else ""


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


def _decoded(said: object) -> bytes:
    text = _text(said)
    if len(text) > _MOST_SIGNATURE:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
