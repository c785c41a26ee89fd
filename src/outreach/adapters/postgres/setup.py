"""Tenants, and partitions made ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import NotFound
from outreach.domain.ids import TenantId

__all__ = [
    "MONTHS_AHEAD",
    "default_partition_used",
    "ensure_partitions",
    "known_tenant",
    "tenant",
]

MONTHS_AHEAD: Final = 2


async def tenant(
    database: Database,
    name: str,
    *,
    time_zone: str,
    country: str,
    language: str,
    ids: Callable[[], UUID],
) -> TenantId:
    """Find a tenant by its name or make it; zone, country, language are kept current.

    Args:
        database: where.
        name: unique.
        time_zone: IANA name.
        country: ISO 3166 alpha-2.
        language: ISO 639-1, of people whose own is not known.
        ids: draws the id of a new one.
    """
    found: UUID = await database.value(
        """
        INSERT INTO tenants AS t (id, name, time_zone, country, language)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (name) DO UPDATE SET time_zone = excluded.time_zone,
          country = excluded.country, language = excluded.language
        RETURNING t.id
        """,
        (ids(), name, time_zone, country, language),
    )
    return TenantId(found)


async def known_tenant(database: Database, name: str) -> TenantId:
    """Find a tenant by its name, and write nothing.

    Raises:
        NotFound: nobody has that name.
    """
    found: UUID | None = await database.value(
        "SELECT id FROM tenants WHERE name = %s", (name,)
    )
    if found is None:
        message = f"no tenant is named {name!r} in this database"
        raise NotFound(message)
    return TenantId(found)


async def ensure_partitions(database: Database, months: int = MONTHS_AHEAD) -> int:
    """Make this month's partitions and *months* more (engine time); how many."""
    made: int = await database.value(
        "SELECT ensure_partitions(engine_now(), %s)", (months,)
    )
    return made


async def default_partition_used(database: Database) -> bool:
    """Whether rows lie where no month is theirs (``partition.default_used``)."""
    used: bool = await database.value("SELECT default_partition_used()")
    return used
