"""``outreach reviews``: what a person must decide, from the command line.

A decision is bound to what was shown: ``show`` prints a fingerprint, and the deciding
commands want it back by ``--fingerprint``. Without it they show the item on a terminal
and ask; where there is no terminal they refuse, since nobody has seen anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict, Unpack

import click

from outreach.domain.answer import Answer
from outreach.domain.change import Change
from outreach.domain.errors import Refused, Stale
from outreach.domain.review import Priority, Resolution
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    FILE,
    by_option,
    command,
    group,
    json_option,
)
from outreach.entrypoints.cli.review_paper import (
    plain_item,
    plain_view,
    show_queue,
    show_view,
)
from outreach.entrypoints.cli.screen import local, print_json, say
from outreach.entrypoints.engine import Engine
from outreach.ports.reviews import ReviewView

__all__ = ["reviews"]

_LEASE: Final = timedelta(minutes=4)
"""How long an item is this person's while they decide (SPEC section 9)."""
_SHOWN: Final = 50


class _Asked(TypedDict):
    review: str
    fingerprint: str | None
    notes: str
    by: str
    as_json: bool
    outside_window: NotRequired[bool]
    text: NotRequired[str | None]
    file: NotRequired[Path | None]


@group("reviews", example="outreach reviews list --priority URGENT")
def reviews() -> None:
    """Decide what waits for a person."""


@command(
    "list", parent=reviews, example="outreach reviews list --priority URGENT --json"
)
@click.option(
    "--priority",
    type=click.Choice([str(one) for one in Priority], case_sensitive=False),
    help="Only these.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=_SHOWN,
    show_default=True,
    help="Show this many at most.",
)
@json_option
@click.pass_obj
def list_(given: Given, *, priority: str | None, limit: int, as_json: bool) -> None:
    """List open items, the most urgent first."""

    async def work(engine: Engine) -> Sequence[ReviewView]:
        found: Sequence[ReviewView] = await engine.container.reviews().queue(
            engine.tenant,
            limit=limit,
            priority=None if priority is None else Priority(priority),
        )
        return found

    found = with_engine(given, work)
    if as_json:
        print_json([plain_item(view) for view in found])
        return
    show_queue(found, given.settings.tenant.time_zone)
    if len(found) == limit:
        say(f"the first {limit}; --limit shows more")


@command("show", parent=reviews, example="outreach reviews show 7c2f41aa")
@click.argument("review")
@json_option
@click.pass_obj
def show(given: Given, *, review: str, as_json: bool) -> None:
    """Show an item: conversation, analysis, suggestion, SLA and fingerprint.

    REVIEW is its id or the start of it.
    """

    async def work(engine: Engine) -> ReviewView:
        return await _get(engine, review)

    view = with_engine(given, work)
    if as_json:
        print_json(plain_view(view))
    else:
        show_view(view, given.settings.tenant.time_zone)


async def _get(engine: Engine, words: str) -> ReviewView:
    found: ReviewView = await engine.container.reviews().get(engine.tenant, words)
    return found


def _deciding(wanted: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("review"),
        click.option(
            "--fingerprint",
            metavar="F",
            help="Of what you saw, as reviews show prints it; without it you are "
            "shown the item and asked.",
        ),
        click.option("--notes", default="", help="For the record."),
        by_option,
        json_option,
        click.pass_obj,
    )[::-1]:
        wanted = option(wanted)
    return wanted


_OUTSIDE: Final = click.option(
    "--outside-window",
    is_flag=True,
    help="Let the reply go outside the prospect's working hours; recorded.",
)


@command(
    "approve",
    parent=reviews,
    example="""\
outreach reviews approve 7c2f41aa
outreach reviews approve 7c2f41aa --fingerprint 9f86d081... --outside-window""",
)
@_OUTSIDE
@_deciding
def approve(given: Given, /, **asked: Unpack[_Asked]) -> None:
    """Send the suggested reply, by the lead's own phone, 30 seconds from now.

    A new message from the prospect cancels it.
    """
    _decide(given, asked, Resolution.APPROVED)


@command(
    "edit",
    parent=reviews,
    example="""\
outreach reviews edit 7c2f41aa --text "Bună ziua! Prețul este ..."
outreach reviews edit 7c2f41aa --file reply.txt""",
)
@click.option("--text", help="The reply.")
@click.option("--file", type=FILE, help="A file that holds the reply.")
@_OUTSIDE
@_deciding
def edit(given: Given, /, **asked: Unpack[_Asked]) -> None:
    """Send a reply of your own, by the lead's own phone, 30 seconds from now.

    A new message from the prospect cancels it.
    """
    text, file = asked.get("text"), asked.get("file")
    if (text is None) == (file is None):
        message = "give the reply by --text or by --file"
        raise click.UsageError(message)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"{file} is no text in UTF-8: save it as such"
            raise click.BadParameter(message, param_hint="--file") from error
    if not (text or "").strip():
        message = "the reply is empty"
        raise click.UsageError(message)
    _decide(given, asked, Resolution.EDITED, text=text)


@command(
    "reject",
    parent=reviews,
    example='outreach reviews reject 7c2f41aa --notes "nothing to answer"',
)
@_deciding
def reject(given: Given, /, **asked: Unpack[_Asked]) -> None:
    """Close an item without a reply."""
    _decide(given, asked, Resolution.REJECTED)


@command(
    "take-over",
    parent=reviews,
    example='outreach reviews take-over 7c2f41aa --notes "I call them"',
)
@_deciding
def take_over(given: Given, /, **asked: Unpack[_Asked]) -> None:
    """Take the conversation over: nothing automatic goes to this lead any more."""
    _decide(given, asked, Resolution.TAKEOVER)


def _decide(
    given: Given, asked: _Asked, resolution: Resolution, *, text: str | None = None
) -> None:
    zone = given.settings.tenant.time_zone
    if asked["fingerprint"] is None and not sys.stdin.isatty():
        message = (
            "give --fingerprint, as outreach reviews show prints it: "
            "there is no terminal here to show you the item and ask"
        )
        raise click.UsageError(message)

    async def work(engine: Engine) -> Change:
        view = await _get(engine, asked["review"])
        seen = asked["fingerprint"]
        await _claim(engine, view, seen, who=asked["by"], zone=zone)
        said = text
        if resolution is Resolution.APPROVED:
            said = view.item.suggested
        if seen is None:
            seen = _seen(view, resolution, said, zone)
        answer = Answer(
            resolution=resolution,
            by=asked["by"],
            fingerprint=seen,
            text=said or "",
            notes=asked["notes"],
            outside_window=asked.get("outside_window", False),
        )
        change: Change = await engine.container.answer_review()(
            engine.tenant, view.item.lead, answer
        )
        return change

    change = with_engine(given, work)
    if asked["as_json"]:
        print_json(_plain(change, resolution))
        return
    for intent in change.plans:
        say(f"The reply goes at {local(intent.due_at, zone)} or after")
    say(f"{resolution}, by {asked['by']}")


async def _claim(
    engine: Engine, view: ReviewView, seen: str | None, *, who: str, zone: str
) -> None:
    """Nobody else decides meanwhile; not for what was decided or changed already."""
    item = view.item
    if not item.is_open:
        message = f"review {item.id} is resolved already: {item.resolution}"
        raise Refused(message)
    if seen is not None and seen != (item.fingerprint or ""):
        message = (
            f"review {item.id} has changed since you saw it: "
            f"outreach reviews show {item.id}"
        )
        raise Stale(message)
    if not await engine.container.reviews().claim(engine.tenant, item.id, who, _LEASE):
        until = local(item.claimed_until, zone)
        message = f"somebody else is at work on review {item.id} (until {until})"
        raise Refused(message)


def _seen(view: ReviewView, resolution: Resolution, text: str | None, zone: str) -> str:
    """The fingerprint of what was shown and agreed to just now."""
    show_view(view, zone)
    if resolution is Resolution.EDITED and text is not None:
        say("Your reply", style="bold")
        say(text)
    if not click.confirm(f"{resolution}: go on?", err=True):
        message = "not confirmed: nothing was done"
        raise Refused(message)
    return view.item.fingerprint or ""


def _plain(change: Change, resolution: Resolution) -> dict[str, Any]:
    return {
        "lead": change.lead,
        "resolution": resolution,
        "reply": [
            {
                "intent": intent.id,
                "due_at": intent.due_at,
                "outside_window": bool(intent.permission),
            }
            for intent in change.plans
        ],
    }
