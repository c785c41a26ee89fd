"""The certificates by which the vendor's topics sign: fetched once each, and kept.

A delivery names its certificate, and a stranger can name what he likes. So nothing is
asked for but a certificate's path at the vendor's own host, of the region of a topic of
ours; few are kept, few are asked for in a minute, and one that is not there is not
asked for again at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.ses.envelope import Envelope, certificate_path
from outreach.domain.errors import Unavailable

__all__ = ["Certificates", "ask"]

MOST: Final = 16
"""Certificates that are kept; the vendor uses one or two in a region."""
MOST_ASKED: Final = 20
"""Certificates asked for in `WHILE`."""
WHILE: Final = timedelta(minutes=1)
FETCH_WITHIN: Final = timedelta(seconds=2)
AGAIN_AFTER: Final = timedelta(seconds=5)
"""Machine time for which a host that did not answer is left alone."""
MOST_BYTES: Final = 64 * 1024

_HASHES: Final = {"1": SHA1, "2": SHA256}
_OK: Final = 200
_NOT_THERE: Final = frozenset({403, 404, 410})


@define(eq=False)
class Certificates:
    """What was fetched, by its URL.

    Attributes:
        stand_in: where to ask instead of the vendor's own host; empty: there.
        monotonic: machine time in seconds.
    """

    user_agent: str
    stand_in: str = ""
    fetch_within: timedelta = FETCH_WITHIN
    monotonic: Callable[[], float] = time.monotonic
    _kept: dict[str, Certificate] = field(factory=dict, init=False)
    _missing: dict[str, float] = field(factory=dict, init=False)
    _away_until: float = field(default=0.0, init=False)
    _asked: list[float] = field(factory=list, init=False)
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def signed(self, envelope: Envelope, now: datetime) -> bool:
        """Whether the signature is that of the certificate that the envelope names, if
        it is kept and of today. No I/O.
        """
        known, hashed = self._kept.get(envelope.certificate_url), None
        if certificate_path(envelope):
            hashed = _HASHES.get(envelope.version)
        if known is None or hashed is None:
            return False
        if not known.not_valid_before_utc <= now <= known.not_valid_after_utc:
            return False
        key = known.public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        try:
            key.verify(envelope.signature, envelope.signed, PKCS1v15(), hashed())
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True

    async def fetch(self, envelope: Envelope) -> None:
        """See that the certificate that *envelope* names is kept, if it is one of the
        vendor's; asks at most once at a time.

        Raises:
            Unavailable: the vendor's host did not answer, or was asked too often.
        """
        url, path = envelope.certificate_url, certificate_path(envelope)
        if not path or url in self._kept:
            return
        async with self._one_by_one:
            if url in self._kept or self._is_missing(url):
                return
            self._count()
            found = await self._get(url, path)
        if found is None:
            self._missing[url] = self.monotonic() + WHILE.total_seconds()
            return
        while len(self._kept) >= MOST:
            self._kept.pop(next(iter(self._kept)))
        self._kept[url] = found

    def _is_missing(self, url: str) -> bool:
        now = self.monotonic()
        self._missing = {one: end for one, end in self._missing.items() if end > now}
        return url in self._missing

    def _count(self) -> None:
        now = self.monotonic()
        self._asked = [one for one in self._asked if one > now - WHILE.total_seconds()]
        if now < self._away_until or len(self._asked) >= MOST_ASKED:
            message = "ses: the certificate of a delivery cannot be asked for just now"
            raise Unavailable(message, retry_after=AGAIN_AFTER)
        self._asked.append(now)

    async def _get(self, url: str, path: str) -> Certificate | None:
        """None: the host has no such certificate."""
        host = self.stand_in or url.removesuffix(path)
        reply = await ask(host, path, self.user_agent, self.fetch_within)
        if isinstance(reply, HttpReply) and reply.status == _OK:
            try:
                return load_pem_x509_certificate(reply.body)
            except ValueError:
                return None
        if isinstance(reply, HttpReply) and reply.status in _NOT_THERE:
            return None
        self._away_until = self.monotonic() + AGAIN_AFTER.total_seconds()
        message = "ses: the host of the certificates did not answer"
        raise Unavailable(message, retry_after=AGAIN_AFTER)


async def ask(
    host: str, path: str, user_agent: str, within: timedelta
) -> HttpReply | NotSent | Lost:
    """Ask the host of topics for *path*, on a line of its own: it is asked rarely."""
    client = HttpClient(host, user_agent=user_agent, most_bytes=MOST_BYTES)
    try:
        return await client.fetch(HttpRequest("GET", path), within)
    finally:
        await client.aclose()
