"""``outreach audit``: the invariants over the stored facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import click

from outreach.domain.auditing import Audited
from outreach.domain.invariants import MEANING, Breach
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.instant import back
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import by_option, command, json_option
from outreach.entrypoints.cli.screen import print_json, say, table
from outreach.entrypoints.engine import Engine

__all__ = ["audit"]

_BROKEN: Final = 1


@command(
    "audit",
    example="""\
outreach audit
outreach audit --since 48h --json""",
)
@click.option(
    "--since",
    callback=back,
    default="7d",
    show_default=True,
    metavar="TIME",
    help="How far back sends, events and moves are read: 90m, 12h, 7d.",
)
@by_option
@json_option
@click.pass_obj
def audit(given: Given, *, since: timedelta, by: str, as_json: bool) -> None:
    """Check what must always hold (INV-1 to INV-14, INV-17) over the stored facts.

    A breach that no audit has found before pauses the phone it is about and alerts,
    as the hourly audit of the workers does. Exit status 1 if anything is broken.
    """

    async def work(engine: Engine) -> Audited:
        now = await engine.container.clock().now()
        ledger = engine.container.audit_ledger()
        made: Audited = await ledger(engine.tenant, now - since, by=by)
        return made

    made = with_engine(given, work)
    if as_json:
        print_json(_plain(made))
    else:
        _show(made)
    if made.breaches:
        raise click.exceptions.Exit(_BROKEN)


def _show(made: Audited) -> None:
    for check, why in made.left_out:
        say(f"Not checked: {check} ({why})", style="yellow")
    if not made.breaches:
        say(f"{made.checks} checks, no breach.")
        return
    fresh = set(made.fresh)
    table(
        "Breaches",
        ("invariant", "about", "what was found", "new"),
        [
            (one.invariant, one.subject, one.says, "new" if one in fresh else "")
            for one in made.breaches
        ],
    )
    for invariant in dict.fromkeys(one.invariant for one in made.breaches):
        say(f"{invariant}: {MEANING[invariant]}")
    paused = len({one.sender for one in made.fresh if one.sender is not None})
    say(
        f"{made.checks} checks, {len(made.breaches)} breaches, {len(made.fresh)} of "
        f"them new; {paused} phones paused. A person must look before "
        "outreach phones resume."
    )


def _plain(made: Audited) -> dict[str, Any]:
    fresh = set(made.fresh)
    return {
        "checks": made.checks,
        "breaches": [_breach(one, new=one in fresh) for one in made.breaches],
        "not_checked": [
            {"check": check.name, "why": why} for check, why in made.left_out
        ],
    }


def _breach(breach: Breach, *, new: bool) -> dict[str, Any]:
    return {
        "invariant": breach.invariant,
        "subject": breach.subject,
        "says": breach.says,
        "sender": breach.sender,
        "new": new,
    }
