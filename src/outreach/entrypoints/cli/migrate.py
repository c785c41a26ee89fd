"""``outreach migrate``."""

from __future__ import annotations

import click

from outreach.adapters.postgres import migrate as migrations
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import patience, print_json, say
from outreach.entrypoints.embedded import start

__all__ = ["migrate"]


@command(
    "migrate",
    example="""\
outreach migrate
OUTREACH_DATABASE_URL=postgresql://me@db/outreach outreach migrate --json""",
)
@json_option
@click.pass_obj
def migrate(given: Given, *, as_json: bool) -> None:
    """Bring the database to the tables that this version needs.

    Run it before the workers of a new version, as a user who may make roles and the
    schema. Several at once do no harm, and neither does one that is killed.
    """
    settings = given.settings
    schema = settings.database_schema
    if settings.embedded:
        with patience(f"starting PostgreSQL in {given.data_dir}"):
            servers = start(given.data_dir / "servers", durable=True)
        with servers:
            applied = _apply(servers.postgres_url, schema)
    else:
        applied = _apply(settings.database_url.reveal, schema)
    if as_json:
        print_json({"schema": schema, "applied": applied})
    else:
        say(f"{applied} migrations applied in schema {schema}; it is up to date")


def _apply(url: str, schema: str) -> int:
    with patience("migrating the database"):
        return migrations.migrate(url, schema=schema)
