"""The SQL functions of this version: replaced as a whole whenever one has changed.

Tables are changed by migrations, each once and for good. A function is only text, so
the files in ``functions/`` always show the ones in force.
"""

from __future__ import annotations

from hashlib import sha256
from importlib import resources
from typing import Final

import psycopg
from psycopg import sql

__all__ = ["digest", "replace", "stale"]

_KEPT: Final = "current_tenant"
"""The policies rest on it, so it is part of the tables."""


def digest() -> str:
    """Names this version's functions."""
    return sha256(b"\n".join(_texts())).hexdigest()


def stale(connection: psycopg.Connection, schema: str) -> bool:
    """Whether the database has other functions, or none.

    Raises:
        psycopg.errors.UndefinedTable: nor has it the tables of this version.
    """
    table = sql.Identifier(schema, "function_set")
    query = sql.SQL("SELECT digest FROM {}").format(table)
    return connection.execute(query).fetchone() != (digest(),)


def replace(connection: psycopg.Connection, schema: str, owner: str) -> bool:
    """Drop the functions and make this version's, all or nothing; False: no need."""
    with connection.transaction():
        # The path's first schema is where they are made, and what each searches.
        connection.execute(
            sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema))
        )
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        connection.execute("LOCK TABLE function_set IN EXCLUSIVE MODE")
        if not stale(connection, schema):
            return False
        connection.execute("SET LOCAL check_function_bodies = off")
        _drop(connection, schema)
        for text in _texts():
            connection.execute(text)
        connection.execute(
            """
            INSERT INTO function_set (digest) VALUES (%s)
            ON CONFLICT (one) DO UPDATE
              SET digest = excluded.digest, made_at = clock_timestamp()
            """,
            (digest(),),
        )
    return True


def _drop(connection: psycopg.Connection, schema: str) -> None:
    found = connection.execute(
        """
        SELECT p.oid::regprocedure::text FROM pg_proc p
          JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = %s AND p.proname <> %s AND p.prokind = 'f'
        """,
        (schema, _KEPT),
    ).fetchall()
    if found:
        # In one statement, for they may rest on each other. The names are as the
        # server itself writes them, quoted where they must be.
        names = ", ".join(signature for (signature,) in found)
        connection.execute(f"DROP FUNCTION {names}".encode())


def _texts() -> list[bytes]:
    folder = resources.files(__package__) / "functions"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [file.read_bytes() for file in files if file.name.endswith(".sql")]
