"""WAHA's signature, by which it vouches for its webhooks. No I/O.

``X-Webhook-Hmac`` is the HMAC-SHA512 of the raw body, in hexadecimal; the algorithm
stands beside it. ``X-Webhook-Timestamp`` is not part of what is signed, so it proves
nothing and is not looked at: what is delivered again is known by its id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from outreach.domain.errors import Misconfigured

__all__ = ["WahaSignatures", "signatures"]

_SIGNATURE, _ALGORITHM = "x-webhook-hmac", "x-webhook-hmac-algorithm"
_SHA512: Final = "sha512"
_HEX: Final = re.compile(r"[0-9a-f]{128}")
_SHORTEST_KEY: Final = 16
"""Characters; the key is made up by us, and a short one could be guessed."""


@frozen
class WahaSignatures:
    """Implements `outreach.ports.incoming.Authenticates`; made by `signatures`."""

    keys: tuple[bytes, ...] = field(repr=False)

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """See `Authenticates.may_be`: 128 hexadecimal digits, of this algorithm."""
        del now  # no time is signed
        named = headers.get(_ALGORITHM, _SHA512).strip().lower()
        return named == _SHA512 and _HEX.fullmatch(_given(headers)) is not None

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """See `Authenticates.is_theirs`; every key is compared."""
        if not self.may_be(headers, now):
            return False
        given = _given(headers)
        fits = [
            hmac.compare_digest(hmac.digest(key, raw, hashlib.sha512).hex(), given)
            for key in self.keys
        ]
        return any(fits)


def signatures(secrets: Sequence[str]) -> WahaSignatures | None:
    """The secrets of the settings as keys; None if there are none.

    Raises:
        Misconfigured: one of them is too short; it is not shown.
    """
    for place, secret in enumerate(secrets, 1):
        if len(secret) < _SHORTEST_KEY:
            message = (
                f"the {place}. of baileys.webhook_secret is too short to sign with: "
                f"give at least {_SHORTEST_KEY} characters that nobody can guess"
            )
            raise Misconfigured(message)
    keys = tuple(secret.encode() for secret in secrets)
    return WahaSignatures(keys) if keys else None


def _given(headers: Mapping[str, str]) -> str:
    return headers.get(_SIGNATURE, "").strip().lower()
