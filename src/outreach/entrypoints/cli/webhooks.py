"""``outreach webhooks``: what came in, once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, TypedDict, Unpack

import click
from attrs import define, field

from outreach.domain.replay import Difference
from outreach.domain.usecases.replay_events import Replayed
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.instant import back
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import command, group, json_option
from outreach.entrypoints.cli.screen import patience, print_json, say
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.replaying import replay_of

__all__ = ["webhooks"]

_DIFFERENT: Final = 1
_ALL: Final = 2**31 - 1


class _Asked(TypedDict):
    since: timedelta
    provider: str | None
    limit: int | None
    diff: bool
    as_json: bool


@define
class _Tally:
    """What a comparison came to; only what differs is kept."""

    events: int = 0
    decided: int = 0
    different: list[Replayed] = field(factory=list)

    def add(self, one: Replayed) -> None:
        self.events += 1
        self.decided += one.decided
        if one.differences:
            self.different.append(one)


@group("webhooks", example="outreach webhooks replay --since 7d --diff")
def webhooks() -> None:
    """Take stored events in again, or see what this version would make of them."""


@command(
    "replay",
    parent=webhooks,
    example="""\
outreach webhooks replay --since 7d --diff
outreach webhooks replay --provider resend --diff --json
outreach webhooks replay --since 2d""",
)
@click.option(
    "--since",
    callback=back,
    default="7d",
    show_default=True,
    metavar="TIME",
    help="How far back events are taken: 90m, 12h, 7d.",
)
@click.option("--provider", metavar="NAME", help="Events of this provider alone.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many events.")
@click.option("--diff", is_flag=True, help="Compare only; nothing is changed.")
@json_option
@click.pass_obj
def replay(given: Given, **asked: Unpack[_Asked]) -> None:
    """Put events that were parked back into the queue; a worker takes them in.

    With --diff nothing is put back or changed: every stored event is read and decided
    again by this version, over its lead as it was then, and each difference to what is
    recorded is one line. Exit status 1 if anything differs.
    """
    if asked["diff"]:
        _compare(given, asked)
    else:
        _put_back(given, asked)


def _put_back(given: Given, asked: _Asked) -> None:
    async def work(engine: Engine) -> int:
        parts = engine.container
        now = await parts.clock().now()
        count: int = await parts.inbox().again(
            now - asked["since"], asked["limit"] or _ALL, provider=asked["provider"]
        )
        if count:
            await engine.bell.ring()
        return count

    count = with_engine(given, work)
    if asked["as_json"]:
        print_json({"put_back": count})
    else:
        say(f"{count} parked events put back into the queue.")


def _compare(given: Given, asked: _Asked) -> None:
    async def work(engine: Engine) -> _Tally:
        now = await engine.container.clock().now()
        compare = replay_of(engine)
        tally = _Tally()

        def tell(one: Replayed) -> None:
            tally.add(one)
            if not asked["as_json"]:
                _show(one)

        await compare(
            now - asked["since"],
            tell,
            provider=asked["provider"],
            limit=asked["limit"],
        )
        return tally

    with patience("deciding stored events again"):
        tally = with_engine(given, work, only_reads=True)
    same = tally.events - len(tally.different)
    if asked["as_json"]:
        print_json(
            {
                "events": tally.events,
                "decided": tally.decided,
                "same": same,
                "different": len(tally.different),
                "differences": [_plain(one) for one in tally.different],
            }
        )
    else:
        say(
            f"{tally.events} events ({tally.decided} decided again, "
            f"{tally.events - tally.decided} only read again): {same} the same, "
            f"{len(tally.different)} different."
        )
    if tally.different:
        raise click.exceptions.Exit(_DIFFERENT)


def _show(one: Replayed) -> None:
    past = one.past
    lead = "no lead" if past.lead is None else f"lead {past.lead}"
    for difference in one.differences:
        say(f"{past.id} {past.provider} {past.type}, {lead}: {difference}")


def _plain(one: Replayed) -> dict[str, Any]:
    past = one.past
    return {
        "event": past.id,
        "provider": past.provider,
        "type": past.type,
        "status": past.status,
        "lead": past.lead,
        "differences": [_difference(each) for each in one.differences],
    }


def _difference(one: Difference) -> dict[str, str]:
    return {"topic": str(one.topic), "was": one.was, "now": one.now}
