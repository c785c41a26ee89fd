"""Svix's signatures, by which the vendor vouches for its webhooks. No I/O.

``svix-signature`` holds one or more of ``v1,<base64>``, set apart by spaces:
HMAC-SHA256 over ``{svix-id}.{svix-timestamp}.{raw body}``, whose key is the base64
after ``whsec_``. The vendor signs with several keys while one is rotated, and we may
know several. Only v1 is a signature; the vendor's own helper does not look at the
version.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from outreach.domain.errors import Misconfigured

__all__ = ["TOLERANCE", "SvixSignatures", "signatures"]

TOLERANCE: Final = timedelta(minutes=5)
"""Machine time by which a time stamp may be off, past and future."""

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_MOST: Final = 16
"""Signatures of one delivery that are looked at."""
_LONGEST_STAMP: Final = 12
_SHORTEST_KEY: Final = 16
"""Bytes; the vendor's are 24 and longer."""
_ID, _STAMP, _SIGNATURE = "svix-id", "svix-timestamp", "svix-signature"


@frozen
class SvixSignatures:
    """Implements `outreach.ports.gateway.Authenticates`; made by `signatures`."""

    keys: tuple[bytes, ...] = field(repr=False)

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """See `Authenticates.may_be`: all three headers, and a fresh time stamp."""
        ahead = self.ahead(headers, now)
        has_all = bool(headers.get(_ID)) and bool(headers.get(_SIGNATURE))
        return has_all and ahead is not None and abs(ahead) <= TOLERANCE

    def ahead(self, headers: Mapping[str, str], now: datetime) -> timedelta | None:
        """See `outreach.ports.incoming.Stamps.ahead`."""
        stamp = headers.get(_STAMP, "")
        if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > _LONGEST_STAMP:
            return None
        return timedelta(seconds=int(stamp) - now.timestamp())

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """See `Authenticates.is_theirs`; every signature and key is compared."""
        if not self.may_be(headers, now):
            return False
        head = f"{headers[_ID]}.{headers[_STAMP]}.".encode("latin-1", "replace")
        expected = [
            base64.b64encode(hmac.digest(key, head + raw, hashlib.sha256))
            for key in self.keys
        ]
        given = [
            one.removeprefix(_VERSION).encode("latin-1", "replace")
            for one in headers[_SIGNATURE].split(" ")[:_MOST]
            if one.startswith(_VERSION)
        ]
        fits = [hmac.compare_digest(one, our) for one in given for our in expected]
        return any(fits)


def signatures(secrets: Sequence[str]) -> SvixSignatures | None:
    """Read signing secrets (``whsec_...``); None if there are none.

    Raises:
        Misconfigured: one of them is no signing secret; it is not shown.
    """
    keys = tuple(_key(place, one) for place, one in enumerate(secrets, 1))
    return SvixSignatures(keys) if keys else None


def _key(place: int, secret: str) -> bytes:
    coded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < _SHORTEST_KEY:
        message = (
            f"the {place}. of resend.webhook_secret is no signing secret: give the one "
            f"that the vendor shows for the webhook, which begins with {_PREFIX}"
        )
        raise Misconfigured(message)
    return key
