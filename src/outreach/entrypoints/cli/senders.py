"""``outreach phones`` and ``outreach mailboxes``: the same commands for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import frozen

from outreach.domain.errors import NotFound
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
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.cli.sender_rows import (
    MAILBOXES,
    PHONES,
    Rows,
    plain_sender,
    show_senders,
)
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.intake import senders_file
from outreach.ports.senders import SenderUse

__all__ = ["mailboxes", "phones"]


@frozen
class _Kind:
    """Senders of one kind, and how their commands speak of them."""

    rows: Rows
    like: str

    @property
    def one(self) -> str:
        """``phone`` or ``mailbox``."""
        return self.rows.one

    @property
    def many(self) -> str:
        """``phones`` or ``mailboxes``."""
        return self.rows.many


_PHONES: Final = _Kind(PHONES, "+40712345678")
_MAILBOXES: Final = _Kind(MAILBOXES, "ana@firma.ro")


def _commands(kind: _Kind, says: str) -> click.Group:
    """The group with its commands."""

    def all_() -> None: ...

    all_.__doc__ = says
    made = group(kind.many, example=f"outreach {kind.many} list")(all_)
    _import(kind, made)
    _list(kind, made)
    _signal(kind, made, "pause", SenderSignal.PAUSE)
    _signal(kind, made, "resume", SenderSignal.RESUME)
    return made


def _import(kind: _Kind, parent: click.Group) -> None:
    many = kind.many

    @click.argument("file", type=FILE)
    @json_option
    @click.pass_obj
    def import_(given: Given, *, file: Path, as_json: bool) -> None:
        async def work(engine: Engine) -> int:
            count = await senders_file(engine, file, kind.rows.has)
            await engine.bell.ring()
            return count

        count = with_engine(given, work)
        if as_json:
            print_json({many: count})
        else:
            say(f"{count} {many} imported or updated")

    import_.__doc__ = (
        f"Import {many} from a TOML file of [[sender]] tables, or a CSV.\n\n"
        f"The same file again changes nothing; a {kind.one} that is known is updated, "
        f"and senders of other kinds in the file are left alone."
    )
    example = f"outreach {many} import senders.toml"
    command("import", parent=parent, example=example)(import_)


def _list(kind: _Kind, parent: click.Group) -> None:
    @json_option
    @click.pass_obj
    def list_(given: Given, *, as_json: bool) -> None:
        async def work(engine: Engine) -> Sequence[SenderUse]:
            found = await engine.container.senders().all(engine.tenant)
            return [use for use in found if kind.rows.has(use.sender)]

        found = with_engine(given, work)
        if as_json:
            print_json([plain_sender(use) for use in found])
        else:
            show_senders(kind.rows, found, given.settings.tenant.time_zone)

    list_.__doc__ = f"List {kind.many} with their state and their day so far."
    example = f"outreach {kind.many} list --json"
    command("list", parent=parent, example=example)(list_)


def _signal(kind: _Kind, parent: click.Group, name: str, signal: SenderSignal) -> None:
    @click.argument("which", metavar=kind.one.upper())
    @click.option("--reason", required=True, help="For the record.")
    @by_option
    @json_option
    @click.pass_obj
    def move(given: Given, /, **asked: Any) -> None:
        _move(kind, given, signal, **asked)

    says = {
        SenderSignal.PAUSE: f"Let a {kind.one} send nothing until it is resumed.",
        SenderSignal.RESUME: f"Let a {kind.one} go on, from whatever state it is in.",
    }[signal]
    known = "number" if kind is _PHONES else "address"
    move.__doc__ = (
        f"{says}\n\n{kind.one.upper()} is its id or the start of it, its {known} or "
        "its label."
    )
    example = f'outreach {kind.many} {name} {kind.like} --reason "the reason"'
    command(name, parent=parent, example=example)(move)


def _move(
    kind: _Kind,
    given: Given,
    signal: SenderSignal,
    *,
    which: str,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    async def work(engine: Engine) -> tuple[Sender, Sender]:
        parts = engine.container
        before = await parts.senders().get(engine.tenant, which)
        if not kind.rows.has(before):
            other = (PHONES, MAILBOXES)[kind.rows is PHONES].many
            message = f"{before.number} is no {kind.one}: use outreach {other}"
            raise NotFound(message)
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
                kind.one: after.number,
                "before": before.state,
                "state": after.state,
                "changed": after != before,
            }
        )
    elif after == before:
        say(f"{after.number} stays {after.state}")
    else:
        say(f"{after.number} was {before.state} and is {after.state} now")


phones = _commands(_PHONES, "Import, list, pause and resume phones.")
mailboxes = _commands(_MAILBOXES, "Import, list, pause and resume mailboxes.")
