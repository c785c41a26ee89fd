"""The vendor's signature of a delivery of events. No I/O.

ECDSA on P-256 with SHA-256 over the time stamp's characters and the raw body. The
signature is DER in base64, in ``X-Twilio-Email-Event-Webhook-Signature``; the time
stamp is seconds since 1970, in ``...-Timestamp``. The verification key that the vendor
shows is public: DER (SubjectPublicKeyInfo) in base64. There is one for each webhook, so
several are known while one is replaced.

How old a delivery may be: the vendor tries for 24 hours, and does not say whether it
signs each try anew. So a stamp may lie as far back, and little ahead. An old delivery
that somebody sends again is stored once all the same: its events have their keys.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from outreach.domain.errors import Misconfigured

__all__ = ["AHEAD", "BEHIND", "SendGridSignatures", "signatures"]

AHEAD: Final = timedelta(minutes=5)
"""Machine time by which a time stamp may be ahead of us."""
BEHIND: Final = timedelta(hours=25)
"""Machine time by which it may be behind: the vendor's tries, and an hour."""

_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_STAMP: Final = "x-twilio-email-event-webhook-timestamp"
_LONGEST_STAMP: Final = 12
_LONGEST_SIGNATURE: Final = 256
"""Characters; the vendor's are 96."""
_SCHEME: Final = ec.ECDSA(hashes.SHA256())


@frozen
class SendGridSignatures:
    """Implements `outreach.ports.incoming.Authenticates`; made by `signatures`."""

    keys: tuple[ec.EllipticCurvePublicKey, ...] = field(repr=False)

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """See `Authenticates.may_be`: both headers, and a time stamp of our days."""
        ahead = self.ahead(headers, now)
        is_ours = ahead is not None and -BEHIND <= ahead <= AHEAD
        return is_ours and 0 < len(headers.get(_SIGNATURE, "")) <= _LONGEST_SIGNATURE

    def ahead(self, headers: Mapping[str, str], now: datetime) -> timedelta | None:
        """See `outreach.ports.incoming.Stamps.ahead`."""
        stamp = headers.get(_STAMP, "")
        if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > _LONGEST_STAMP:
            return None
        return timedelta(seconds=int(stamp) - now.timestamp())

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """See `Authenticates.is_theirs`; the keys are public, and asked in turn."""
        if not self.may_be(headers, now):
            return False
        try:
            coded = headers[_SIGNATURE].encode("ascii")
            signature = base64.b64decode(coded, validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return False
        said = headers[_STAMP].encode("ascii") + raw
        return any(_signed(key, signature, said) for key in self.keys)


def signatures(keys: Sequence[str]) -> SendGridSignatures | None:
    """Read verification keys as the vendor shows them; None if there are none.

    Raises:
        Misconfigured: one of them is no key of that kind.
    """
    known = tuple(_key(place, one) for place, one in enumerate(keys, 1))
    return SendGridSignatures(known) if known else None


def _signed(key: ec.EllipticCurvePublicKey, signature: bytes, said: bytes) -> bool:
    try:
        key.verify(signature, said, _SCHEME)
    except InvalidSignature:
        return False
    return True


def _key(place: int, coded: str) -> ec.EllipticCurvePublicKey:
    try:
        der = base64.b64decode("".join(coded.split()), validate=True)
        key = load_der_public_key(der)
    except (binascii.Error, ValueError, TypeError):
        key = None
    is_theirs = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1
    )
    if isinstance(key, ec.EllipticCurvePublicKey) and is_theirs:
        return key
    message = (
        f"the {place}. of sendgrid.webhook_secret is no verification key: give the one "
        "that the vendor shows for the signed event webhook, which begins with MFkw"
    )
    raise Misconfigured(message)
