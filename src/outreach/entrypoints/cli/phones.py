"""``outreach phones``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from outreach.domain.sender import Sender, SenderSignal
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    FILE,
    by_option,
    command,
    group,
    json_option,
)
from outreach.entrypoints.cli.phone_rows import plain_phone, show_phones
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.intake import senders_file
from outreach.ports.senders import SenderUse

__all__ = ["phones"]


@group("phones", example="outreach phones list")
def phones() -> None:
    """Import, list, pause and resume phones."""


@command("import", parent=phones, example="outreach phones import phones.toml")
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def import_(given: Given, *, file: Path, as_json: bool) -> None:
    """Import phones from a TOML file of [[sender]] tables, or a CSV.

    The same file again changes nothing; a phone that is known is updated.
    """

    async def work(engine: Engine) -> int:
        count = await senders_file(engine, file)
        await engine.bell.ring()
        return count

    count = with_engine(given, work)
    if as_json:
        print_json({"phones": count})
    else:
        say(f"{count} phones imported or updated")


@command("list", parent=phones, example="outreach phones list --json")
@json_option
@click.pass_obj
def list_(given: Given, *, as_json: bool) -> None:
    """List phones with their state and their day so far."""

    async def work(engine: Engine) -> Sequence[SenderUse]:
        found: Sequence[SenderUse] = await engine.container.senders().all(engine.tenant)
        return found

    found = with_engine(given, work)
    if as_json:
        print_json([plain_phone(use) for use in found])
    else:
        show_phones(found, given.settings.tenant.time_zone)


@command(
    "pause",
    parent=phones,
    example='outreach phones pause +40712345678 --reason "SIM is being replaced"',
)
@click.argument("phone")
@click.option("--reason", required=True, help="For the record.")
@by_option
@json_option
@click.pass_obj
def pause(given: Given, /, **asked: Any) -> None:
    """Let a phone send nothing until it is resumed.

    PHONE is its id or the start of it, its number or its label.
    """
    _signal(given, SenderSignal.PAUSE, **asked)


@command(
    "resume",
    parent=phones,
    example='outreach phones resume +40712345678 --reason "new SIM works"',
)
@click.argument("phone")
@click.option("--reason", required=True, help="For the record.")
@by_option
@json_option
@click.pass_obj
def resume(given: Given, /, **asked: Any) -> None:
    """Let a phone go on, from whatever state it is in.

    PHONE is its id or the start of it, its number or its label.
    """
    _signal(given, SenderSignal.RESUME, **asked)


def _signal(
    given: Given,
    signal: SenderSignal,
    *,
    phone: str,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    async def work(engine: Engine) -> tuple[Sender, Sender]:
        parts = engine.container
        before = await parts.senders().get(engine.tenant, phone)
        after = await parts.signal()(
            engine.tenant, before.id, signal, why=reason, by=by
        )
        await engine.bell.ring()
        return before, after

    before, after = with_engine(given, work)
    if as_json:
        print_json(
            {
                "id": after.id,
                "phone": after.number,
                "before": before.state,
                "state": after.state,
                "changed": after != before,
            }
        )
    elif after == before:
        say(f"{after.number} stays {after.state}")
    else:
        say(f"{after.number} was {before.state} and is {after.state} now")
