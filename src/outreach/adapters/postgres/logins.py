"""What mailboxes of our own sign in with, sealed with the installation's keys."""

from __future__ import annotations

from collections.abc import Sequence

import cattrs
from attrs import field, frozen
from cattrs.preconf.json import make_converter
from cryptography.fernet import InvalidToken, MultiFernet

from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.secrets import sealer
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import SenderId, TenantId
from outreach.domain.login import Login

__all__ = ["PostgresLogins"]

_CONVERTER = make_converter()


@frozen
class PostgresLogins:
    """Implements `outreach.ports.logins.Logins`.

    Asked for each send, so that a changed password holds from the next mail on.

    Attributes:
        keys: any texts, newest first; the first one seals, all of them open.

    Raises:
        Misconfigured: there is no key.
    """

    database: Database
    tenant: TenantId
    keys: Sequence[str] = field(repr=False)
    _sealer: MultiFernet = field(init=False, repr=False)

    @_sealer.default
    def _make_sealer(self) -> MultiFernet:
        return sealer(self.keys)

    async def login(self, sender: SenderId) -> Login | None:
        sealed = await self.database.value(
            "SELECT sealed FROM mailbox_logins WHERE sender_id = %s",
            (sender,),
            tenant=self.tenant,
        )
        if sealed is None:
            return None
        try:
            opened = self._sealer.decrypt(bytes(sealed))
            return _CONVERTER.loads(opened, Login)
        except InvalidToken as error:
            message = (
                f"the login of sender {sender} was sealed with another key: add that "
                "key to OUTREACH_SECRET_KEYS again, or import the mailbox again"
            )
            raise Misconfigured(message) from error
        except (ValueError, cattrs.BaseValidationError):
            message = (
                f"the login of sender {sender} cannot be read: import the mailbox again"
            )
            raise Misconfigured(message) from None

    async def keep(self, sender: SenderId, login: Login) -> None:
        await self.database.value(
            """
            INSERT INTO mailbox_logins (sender_id, tenant_id, sealed)
            VALUES (%s, %s, %s)
            ON CONFLICT (sender_id) DO UPDATE
              SET sealed = excluded.sealed, updated_at = clock_timestamp()
            RETURNING sender_id
            """,
            (sender, self.tenant, self._sealer.encrypt(_written(login))),
            tenant=self.tenant,
        )


def _written(login: Login) -> bytes:
    written: str = _CONVERTER.dumps(login)
    return written.encode()
