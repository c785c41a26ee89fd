"""A topic at Amazon SNS whose key is ours to sign with, and its certificate's host.

What it signs is written here after the vendor's page, and not by the adapter's lines.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from outreach.adapters.ses import SnsSignatures, signatures
from outreach.testing.fault_server import Asked, FaultServer, Reaction, Says
from outreach.testing.incoming_keys import Delivery

__all__ = ["HOST", "NOW", "PEM", "TOPIC", "SnsBench", "Topic", "certificate", "opened"]

REGION: Final = "eu-west-1"
TOPIC: Final = f"arn:aws:sns:{REGION}:123456789012:outreach"
HOST: Final = f"https://sns.{REGION}.amazonaws.com"
PEM: Final = "/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
STAMP: Final = "2026-11-20T08:59:58.123Z"
_LIVES: Final = timedelta(days=365)


@cache
def key(name: str = "theirs") -> rsa.RSAPrivateKey:
    """A key of its own for each name."""
    del name
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def certificate(
    *, of: str = "theirs", begins: datetime = NOW - timedelta(days=30)
) -> bytes:
    """A certificate (PEM) that this key gave itself, good for a year."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(of).public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + _LIVES)
        .sign(key(of), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


@define
class Topic:
    """Signs what is published.

    Attributes:
        version: 1 by SHA-1, 2 by SHA-256.
    """

    arn: str = TOPIC
    version: str = "2"
    by: str = "theirs"
    url: str = f"{HOST}{PEM}"

    def notification(self, message: object, **more: Any) -> Delivery:
        """A Notification; *message* as it is, or as JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        return self._delivery(
            {
                "Type": "Notification",
                "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
                "TopicArn": self.arn,
                "Message": text,
                "Timestamp": STAMP,
                "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe",
                **more,
            }
        )

    def handshake(
        self, kind: str = "SubscriptionConfirmation", **more: Any
    ) -> Delivery:
        """A SubscriptionConfirmation or an UnsubscribeConfirmation."""
        query = f"Action=ConfirmSubscription&TopicArn={self.arn}&Token=2336412f37fb"
        return self._delivery(
            {
                "Type": kind,
                "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
                "Token": "2336412f37fb",
                "TopicArn": self.arn,
                "Message": "You have chosen to subscribe to the topic.",
                "SubscribeURL": f"{HOST}/?{query}",
                "Timestamp": STAMP,
                **more,
            }
        )

    def _delivery(self, body: dict[str, Any]) -> Delivery:
        if body["Type"] == "Notification":
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        else:
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token"]
            names += ["TopicArn", "Type"]
        lines = [line for n in names if n in body for line in (n, body[n])]
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
        digest = hashes.SHA1() if self.version == "1" else hashes.SHA256()
        signature = key(self.by).sign(text, padding.PKCS1v15(), digest)
        whole = {
            "SignatureVersion": self.version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": self.url,
            **body,
        }
        headers = {
            "x-amz-sns-message-type": body["Type"],
            "x-amz-sns-message-id": body["MessageId"],
            "x-amz-sns-topic-arn": body["TopicArn"],
            "content-type": "text/plain; charset=UTF-8",
        }
        return Delivery(headers, json.dumps(whole).encode())


@define(eq=False)
class SnsBench:
    """Implements `outreach.testing.incoming_keys.KeysWorkbench`.

    Attributes:
        seconds: machine time, as the adapter sees it.
        away: the host answers with an error of its own.
    """

    server: FaultServer
    checks: SnsSignatures
    topic: Topic = field(factory=Topic)
    pem: bytes = field(factory=certificate)
    seconds: float = 0.0
    away: bool = False
    confirmed: int = 0

    @property
    def now(self) -> datetime:
        return NOW

    @property
    def asked(self) -> int:
        return len(self.server.asked)

    def react(self, asked: Asked) -> Reaction:
        if self.away:
            return Says(503, b"<html>away</html>")
        if (asked.method, asked.path) == ("GET", PEM):
            return Says(200, self.pem)
        if asked.query.get("Action") == "ConfirmSubscription":
            assert asked.query["TopicArn"] == TOPIC
            self.confirmed += 1
            return Says(200, b"<ConfirmSubscriptionResponse/>")
        return Says(404, b"<html>no such file</html>")

    def signed(self, text: str = "") -> Delivery:
        return self.topic.notification({"text": text})

    def foreign(self) -> Delivery:
        there = Topic(url=f"https://sns.{REGION}.amazonaws.com.evil.example{PEM}")
        return there.notification("{}")

    def missing(self) -> Delivery:
        return Topic(url=f"{HOST}/SimpleNotificationService-0.pem").notification("{}")

    def subscription(self) -> Delivery:
        return self.topic.handshake()

    def strange(self) -> Delivery:
        return self.topic.handshake(SubscribeURL="https://evil.example/?Action=Confirm")

    async def go_away(self, *, away: bool) -> None:
        self.away = away
        self.seconds += 60


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[SnsBench]:
    async with FaultServer(lambda _: Says(404)) as server:
        checks = signatures([TOPIC], user_agent="outreach tests", stand_in=server.url)
        assert checks is not None
        bench = SnsBench(server, checks)
        checks.certificates.monotonic = lambda: bench.seconds
        server.react = bench.react
        yield bench
