"""``outreach lanes``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from outreach.domain.lane import LaneView, Obstacle, obstacles
from outreach.domain.sender import SendClass
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import local, print_json, say, table
from outreach.entrypoints.cli.sender_rows import named
from outreach.entrypoints.engine import Engine

__all__ = ["lanes"]

_FREE: Final = "nothing: it goes as soon as a worker looks"
_EMPTY: Final = "nothing waits"


@command(
    "lanes",
    example="""\
outreach lanes
outreach lanes --phone +40712345678
outreach lanes --mailbox ana@firma.ro
outreach lanes --json""",
)
@click.option(
    "--phone",
    "--mailbox",
    "which",
    metavar="SENDER",
    help="One lane: id, number, address or label.",
)
@json_option
@click.pass_obj
def lanes(given: Given, *, which: str | None, as_json: bool) -> None:
    """Show the line of messages of every sender: who has it in hand, how much waits,
    since when, and what keeps it.

    What waits is counted in the order of service: approved replies, AI replies,
    follow-ups, new contacts. Leases and calls are machine time, all else is engine
    time.
    """

    async def work(engine: Engine) -> Sequence[LaneView]:
        parts = engine.container
        one = None
        if which is not None:
            one = (await parts.senders().get(engine.tenant, which)).id
        found: Sequence[LaneView] = await parts.decisions().lanes(engine.tenant, one)
        return found

    found = with_engine(given, work)
    zone = given.settings.tenant.time_zone
    if as_json:
        print_json([_plain(lane) for lane in found])
    elif which is not None:
        for lane in found:
            _show(lane, zone)
    else:
        _show_all(found, zone)


def _show_all(found: Sequence[LaneView], zone: str) -> None:
    table(
        "Lanes",
        ("sender", "state", "#waiting", "oldest", "next", "what keeps it"),
        [
            (
                lane.sender.number,
                lane.sender.state,
                "/".join(str(lane.depth.get(one, 0)) for one in SendClass),
                local(lane.oldest_due, zone),
                local(lane.wake_at, zone),
                _why(lane, zone)[0],
            )
            for lane in found
        ],
    )


def _show(lane: LaneView, zone: str) -> None:
    waiting = ", ".join(f"{n} {one.name}" for one, n in sorted(lane.depth.items()))
    held = lane.owner or "nobody"
    say(f"{lane.sender.number}: {lane.sender.state}", style="bold")
    say(f"Waiting: {waiting or 'nothing'}; oldest: {local(lane.oldest_due, zone)}.")
    say(f"In hand of {held}, token {lane.token}; next: {local(lane.wake_at, zone)}.")
    for line in _why(lane, zone):
        say(f"Kept by {line}.")


def _why(lane: LaneView, zone: str) -> list[str]:
    if not lane.depth:
        return [_EMPTY]
    return [_words(one, zone) for one in obstacles(lane)] or [_FREE]


def _words(one: Obstacle, zone: str) -> str:
    until = "" if one.until is None else f", until {local(one.until, zone)}"
    return f"{one.reason}: {one.says}{until}"


def _plain(lane: LaneView) -> dict[str, Any]:
    sender, switch = lane.sender, lane.switch
    return {
        "id": sender.id,
        **named(sender),
        "channel": sender.channel,
        "label": sender.label,
        "state": sender.state,
        "enabled": sender.enabled,
        "owner": lane.owner or None,
        "token": lane.token,
        "lease_until": lane.lease_until,
        "call_until": lane.call_until,
        "gate_at": lane.gate_at,
        "new_gate_at": lane.new_gate_at,
        "backoff_until": lane.backoff_until,
        "backoffs": lane.backoffs,
        "room_at": lane.room_at,
        "away_until": lane.away_until,
        "plan": None if lane.plan is None else lane.plan.key,
        "opens_at": lane.opens_at,
        "wake_at": lane.wake_at,
        "depth": {one.name: lane.depth.get(one, 0) for one in SendClass},
        "oldest_due": lane.oldest_due,
        "oldest_age_s": _age(lane),
        "stopped_by": None if switch is None else switch.scope,
        "kept_by": [
            {"reason": one.reason, "says": one.says, "until": one.until}
            for one in obstacles(lane)
        ],
    }


def _age(lane: LaneView) -> float | None:
    """Seconds of engine time that the oldest is overdue."""
    if lane.oldest_due is None:
        return None
    return max(0.0, (lane.now - lane.oldest_due).total_seconds())
