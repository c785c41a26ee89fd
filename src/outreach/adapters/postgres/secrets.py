"""Secrets the engine made for itself, sealed with the installation's keys."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence

from attrs import field, frozen
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import Misconfigured

__all__ = ["KeptSecrets", "sealer"]


def sealer(keys: Sequence[str]) -> MultiFernet:
    """What seals with the first of *keys* and opens with any.

    Raises:
        Misconfigured: there is no key.
    """
    if not keys:
        message = "no secret key: set OUTREACH_SECRET_KEYS, newest first"
        raise Misconfigured(message)
    hashed = [hashlib.sha256(key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(one)) for one in hashed])


@frozen
class KeptSecrets:
    """Secrets by name; made once, the same ever after, for every process.

    Attributes:
        keys: any texts, newest first; the first one seals, all of them open.

    Raises:
        Misconfigured: there is no key.
    """

    database: Database
    keys: Sequence[str] = field(repr=False)
    _sealer: MultiFernet = field(init=False, repr=False)

    @_sealer.default
    def _make_sealer(self) -> MultiFernet:
        return sealer(self.keys)

    async def get(self, name: str) -> str | None:
        """The secret of that name, if one was made.

        Raises:
            Misconfigured: it was sealed with a key that is not there any more.
        """
        sealed = await self.database.value(
            "SELECT sealed FROM kept_secrets WHERE name = %s", (name,)
        )
        return None if sealed is None else self._open(name, bytes(sealed))

    async def make(self, name: str, draw: Callable[[], str]) -> str:
        """The secret of that name; who comes first draws it, all get the same.

        Raises:
            Misconfigured: it was sealed with a key that is not there any more.
        """
        sealed = await self.database.value(
            """
            INSERT INTO kept_secrets AS k (name, sealed) VALUES (%s, %s)
            ON CONFLICT (name) DO UPDATE SET sealed = k.sealed RETURNING k.sealed
            """,
            (name, self._sealer.encrypt(draw().encode())),
        )
        return self._open(name, bytes(sealed))

    async def reseal(self) -> int:
        """Seal everything with the newest key; answers how many secrets there are."""
        rows = await self.database.rows("SELECT name, sealed FROM kept_secrets")
        for row in rows:
            old = bytes(row["sealed"])
            new = self._sealer.encrypt(self._open(row["name"], old).encode())
            await self.database.rows(
                "UPDATE kept_secrets SET sealed = %s WHERE name = %s AND sealed = %s",
                (new, row["name"], old),
            )
        return len(rows)

    def _open(self, name: str, sealed: bytes) -> str:
        try:
            return self._sealer.decrypt(sealed).decode()
        except InvalidToken as error:
            message = (
                f"secret {name!r} was sealed with another key: "
                "add that key to OUTREACH_SECRET_KEYS again"
            )
            raise Misconfigured(message) from error
