"""``outreach status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from attrs import asdict, frozen

from outreach.domain.health import AccountHealth
from outreach.domain.intro import IntroState
from outreach.domain.sla import Priority
from outreach.domain.stop import Stop
from outreach.domain.suppression import Switch, SwitchScope
from outreach.entrypoints.cli.backlog import Backlog, backlog
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.health_rows import plain_health, show_health
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import local, print_json, say, table
from outreach.entrypoints.cli.sender_rows import (
    MAILBOXES,
    PHONES,
    plain_sender,
    show_senders,
)
from outreach.entrypoints.cli.stop_rows import plain_stop, told
from outreach.entrypoints.engine import Engine
from outreach.ports.senders import SenderUse

__all__ = ["status"]


@frozen
class _Now:
    backlog: Backlog
    switches: Sequence[Switch]
    phones: Sequence[SenderUse]
    mailboxes: Sequence[SenderUse]
    waiting: dict[str, int]
    stops: Sequence[Stop]
    accounts: Sequence[AccountHealth]
    intros: Mapping[IntroState, int]


@command("status", example="outreach status\noutreach status --json")
@json_option
@click.pass_obj
def status(given: Given, *, as_json: bool) -> None:
    """Show what is going on: engine time, what is stopped, every phone's and
    mailbox's day, how providers of warm mail serve, what waits for a provider, for
    the engine and for people.
    """

    async def work(engine: Engine) -> _Now:
        parts = engine.container
        summary = await parts.decisions().summary(engine.tenant)
        senders = await parts.senders().all(engine.tenant)
        return _Now(
            await backlog(parts.database(), engine.tenant),
            await parts.switches().thrown(engine.tenant),
            [use for use in senders if PHONES.has(use.sender)],
            [use for use in senders if MAILBOXES.has(use.sender)],
            dict(summary.waiting),
            await parts.stops().unconfirmed(engine.tenant),
            await parts.accounts().health(engine.tenant),
            await parts.intros().waiting(engine.tenant),
        )

    found = with_engine(given, work)
    if as_json:
        print_json(_plain(found))
    else:
        _show(found, given.settings.tenant.time_zone)


def _show(found: _Now, zone: str) -> None:
    left = found.backlog
    scaled = "" if left.position is None else " (of a scaled run)"
    say(f"Engine time {local(left.now, zone)} {zone}{scaled}", style="bold")
    for switch in found.switches:
        what = "everything" if switch.scope is SwitchScope.ALL else ""
        what = what or f"{switch.scope} {switch.of}".strip()
        since = local(switch.at, zone)
        say(f"STOPPED: {what}, by {switch.by} since {since}: {switch.reason}")
    for stop in found.stops:
        say(f"NOT CONFIRMED by its provider: {told(stop, zone)}")
    show_senders(PHONES, found.phones, zone)
    if found.mailboxes:
        show_senders(MAILBOXES, found.mailboxes, zone)
    if found.accounts:
        show_health(found.accounts, zone)
    if found.waiting:
        table("Messages that wait", ("class", "#messages"), found.waiting.items())
    rows = [
        (name, one.items, one.overdue, local(one.first_due, zone))
        for name in sorted(Priority, reverse=True)
        if (one := left.reviews.get(name))
    ]
    table("Open reviews", ("priority", "#open", "#overdue", "first due"), rows)
    if found.intros:
        say(
            f"Intros: {found.intros.get(IntroState.PROPOSED, 0)} to approve, "
            f"{found.intros.get(IntroState.UNFIT, 0)} for a person to write "
            "(outreach intros list)."
        )
    since = "none" if left.oldest_event is None else local(left.oldest_event, zone)
    say(
        f"Oldest event that waits: {since}; parked: {left.parked}.",
        f"Sends of unknown outcome: {left.doubts} being looked up, "
        f"{left.abandoned} given up.",
    )


def _plain(found: _Now) -> dict[str, Any]:
    left = found.backlog
    return {
        "engine_time": left.now,
        "machine_time": left.machine,
        "scaled": left.position is not None,
        "switches": [asdict(one) for one in found.switches],
        "phones": [plain_sender(use) for use in found.phones],
        "mailboxes": [plain_sender(use) for use in found.mailboxes],
        "warm_accounts": [plain_health(one) for one in found.accounts],
        "waiting": found.waiting,
        "intros": {str(one): found.intros[one] for one in sorted(found.intros)},
        "unconfirmed_stops": [plain_stop(stop) for stop in found.stops],
        "oldest_event": left.oldest_event,
        "parked_events": left.parked,
        "unknown": left.doubts,
        "abandoned": left.abandoned,
        "reviews": {
            str(name): asdict(left.reviews[name])
            for name in Priority
            if name in left.reviews
        },
    }
