"""Connections with the right role, schema and time-outs, and errors in our words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import psycopg
from attrs import field, frozen
from psycopg import sql
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from outreach.domain.errors import AnswerLost, Unavailable
from outreach.domain.ids import TenantId

__all__ = ["Database", "Role"]

Role = Literal["outreach_worker", "outreach_web"]

_Greeting = Callable[[psycopg.AsyncConnection[TupleRow]], Awaitable[None]]

_PATIENCE_SECONDS: Final = 5.0
_STATEMENT_SECONDS: Final = 20
_RETRIABLE: Final = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
_TRIES: Final = 4


@frozen
class Database:
    """A pool whose every connection has taken off its own rights.

    Built closed; the entry point that owns it calls `open` and `close`.

    Attributes:
        greetings: what is done first over every new connection, before it is lent.
    """

    url: str = field(repr=False)
    schema: str = "outreach"
    role: Role = "outreach_worker"
    size: int = 8
    greetings: list[_Greeting] = field(factory=list, eq=False, repr=False)
    _pool: AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]] = field(init=False)

    @_pool.default
    def _make(self) -> AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]]:
        return AsyncConnectionPool(
            self.url,
            open=False,
            min_size=1,
            max_size=self.size,
            timeout=_PATIENCE_SECONDS,
            kwargs={
                "autocommit": True,
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
            },
            configure=self._configure,
            name=self.role,
        )

    async def _configure(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        # Also with a superuser's URL: row security binds every statement.
        await connection.execute(
            sql.SQL(
                "SET ROLE {}; SET search_path = {}; SET statement_timeout = {};"
                "SET lock_timeout = {}; SET jit = off; SET TIME ZONE 'UTC'"
            ).format(
                sql.Identifier(self.role),
                sql.Identifier(self.schema),
                sql.Literal(f"{_STATEMENT_SECONDS}s"),
                sql.Literal(f"{_STATEMENT_SECONDS}s"),
            )
        )
        for greet in self.greetings:
            await greet(connection)

    def only_reads(self) -> None:
        """Have the server refuse every write of this process; call it before `open`."""
        self.greetings.append(_only_read)

    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: the server does not answer.
        """
        try:
            await self._pool.open(wait=True, timeout=_PATIENCE_SECONDS)
        except PoolTimeout as error:
            await self._pool.close()
            message = (
                "PostgreSQL does not answer at OUTREACH_DATABASE_URL: "
                "start it, or correct the URL"
            )
            raise Unavailable(message) from error

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(
        self, tenant: TenantId | None = None
    ) -> AsyncIterator[psycopg.AsyncConnection[TupleRow]]:
        """One transaction, with the tenant set for it.

        Raises:
            Unavailable: nothing happened.
            AnswerLost: the server went away; the commit may have happened.
        """
        async with self._lent() as connection, connection.transaction():
            if tenant is not None:
                await connection.execute(
                    "SELECT set_config('app.tenant', %s, true)", (str(tenant),)
                )
            yield connection

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[psycopg.AsyncConnection[TupleRow]]:
        """A connection that commits each statement, with errors in our words."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, PoolClosed) as error:
            message = "PostgreSQL gave no connection in time"
            raise Unavailable(message) from error
        except (
            psycopg.errors.QueryCanceled,
            psycopg.errors.LockNotAvailable,
            *_RETRIABLE,
        ) as error:
            message = f"PostgreSQL undid the statement: {type(error).__name__}"
            raise Unavailable(message) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            message = f"PostgreSQL went away: {type(error).__name__}"
            raise AnswerLost(message) from error

    async def rows(
        self,
        query: str,
        arguments: Sequence[Any] = (),
        *,
        tenant: TenantId | None = None,
    ) -> list[dict[str, Any]]:
        """All rows of one statement, which is one transaction.

        Without a tenant (functions set their own) it is one round trip. A statement
        that lost a deadlock was undone whole and is repeated.
        """
        for left in range(_TRIES - 1, -1, -1):
            try:
                lent = self._lent() if tenant is None else self.connection(tenant)
                async with lent as connection:
                    cursor = connection.cursor(row_factory=dict_row)
                    await cursor.execute(query.encode(), arguments)
                    return [] if cursor.description is None else await cursor.fetchall()
            except Unavailable as error:
                if not isinstance(error.__cause__, _RETRIABLE) or left == 0:
                    raise
        raise AssertionError  # the loop returns or raises

    async def values(
        self,
        query: str,
        arguments: Sequence[Any] = (),
        *,
        tenant: TenantId | None = None,
    ) -> list[Any]:
        """First column of all rows."""
        rows = await self.rows(query, arguments, tenant=tenant)
        return [next(iter(row.values())) for row in rows]

    async def value(
        self,
        query: str,
        arguments: Sequence[Any] = (),
        *,
        tenant: TenantId | None = None,
    ) -> Any:
        """First column of the first row, None without rows."""
        found = await self.values(query, arguments, tenant=tenant)
        return found[0] if found else None


async def _only_read(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    await connection.execute("SET default_transaction_read_only = on")
