"""``outreach intros``: sentences about leads, and what people say to them.

An approval is bound to what was shown: ``list`` and ``show`` print a fingerprint, and
``approve`` wants it back by ``--fingerprint``. Without it the intros are shown on a
terminal and asked about; where there is no terminal it refuses, since nobody has seen
anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from outreach.domain.errors import Misconfigured, Refused, Stale
from outreach.domain.intro import (
    Intro,
    IntroState,
    approved,
    batch_print,
    edited,
    rejected,
)
from outreach.domain.usecases.write_intros import ByHand, WriteIntros, Wrote
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.intro_paper import (
    became,
    plain_batch,
    plain_intro,
    show_batch,
    show_intro,
)
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    FILE,
    by_option,
    command,
    group,
    json_option,
)
from outreach.entrypoints.cli.screen import complain, print_json, say
from outreach.entrypoints.engine import Engine
from outreach.ports.intros import IntroView, Kept

__all__ = ["intros"]

_SHOWN: Final = 50
_AT_ONCE: Final = 20
_A_MINUTE: Final = timedelta(minutes=1)
_FAILED: Final = 1


@group("intros", example="outreach intros list")
def intros() -> None:
    """Have sentences about leads written, and approve them.

    A text asks for one by {{ai_intro}}. Nothing is sent with an intro that nobody
    approved; once approved it stays as it is.
    """


@command(
    "write",
    parent=intros,
    example="""\
outreach intros write --limit 200
outreach intros write --by-hand""",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Write this many at most.",
)
@click.option(
    "--by-hand",
    is_flag=True,
    help="Ask no model: leave each to a person, who writes it by edit.",
)
@json_option
@click.pass_obj
def write(given: Given, *, limit: int, by_hand: bool, as_json: bool) -> None:
    """Have the model write the intros that messages wait for, the next due first.

    Workers do it by themselves, too. It is within half of the model's calls; the rest
    is left to replies. Exits with 1 if the model could not go on.
    """

    async def work(engine: Engine) -> Wrote:
        writes: WriteIntros = engine.container.write_intros()
        if by_hand:
            writes = engine.container.write_intros(writer=ByHand())
        elif writes.writer is None:
            message = (
                "no model is set: set [openai] api_key and model, or leave the intros "
                "to people with --by-hand"
            )
            raise Misconfigured(message)
        whole = Wrote(more=True)
        while whole.more and whole.proposed + whole.unfit < limit:
            left = limit - whole.proposed - whole.unfit
            part = await writes(engine.tenant, min(left, _AT_ONCE), _A_MINUTE)
            whole = whole.and_then(part)
        return whole

    wrote = with_engine(given, work, ask_model=not by_hand)
    if as_json:
        print_json(
            {
                "proposed": wrote.proposed,
                "unfit": wrote.unfit,
                "doubt": wrote.doubt,
                "more": wrote.more,
            }
        )
    else:
        say(f"{wrote.proposed} to approve, {wrote.unfit} for a person to write")
    if wrote.doubt is not None:
        complain(f"the model could not go on ({wrote.doubt}): call again later")
        sys.exit(_FAILED)


def _limit_option(wanted: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--limit",
        type=click.IntRange(1, 10_000),
        default=_SHOWN,
        show_default=True,
        help="These at most, what is due first before others.",
    )(wanted)


@command(
    "list",
    parent=intros,
    example="""\
outreach intros list
outreach intros list --state unfit --json""",
)
@click.option(
    "--state",
    type=click.Choice([*map(str, IntroState), "ALL"], case_sensitive=False),
    default="PROPOSED",
    show_default=True,
    help="Only these.",
)
@_limit_option
@json_option
@click.pass_obj
def list_(given: Given, *, state: str, limit: int, as_json: bool) -> None:
    """List intros and their fingerprint, by which all that is shown is approved."""
    wanted = None if state == "ALL" else IntroState(state)
    found = with_engine(given, lambda engine: _listed(engine, wanted, limit))
    if as_json:
        print_json(plain_batch(found))
        return
    show_batch(found, given.settings.tenant.time_zone)
    if len(found) == limit:
        say(f"the first {limit}; --limit shows more")


async def _listed(
    engine: Engine, state: IntroState | None, limit: int
) -> Sequence[IntroView]:
    found: Sequence[IntroView] = await engine.container.intros().list_(
        engine.tenant, state, limit
    )
    return found


@command("show", parent=intros, example="outreach intros show 7c2f41aa")
@click.argument("intro")
@json_option
@click.pass_obj
def show(given: Given, *, intro: str, as_json: bool) -> None:
    """Show an intro: its text, or why there is none, and its fingerprint.

    INTRO is its id or the start of it.
    """
    view = with_engine(given, lambda engine: _get(engine, intro))
    if as_json:
        print_json(plain_intro(view))
    else:
        show_intro(view, given.settings.tenant.time_zone)


async def _get(engine: Engine, words: str) -> IntroView:
    found: IntroView = await engine.container.intros().get(engine.tenant, words)
    return found


@command(
    "approve",
    parent=intros,
    example="""\
outreach intros approve 7c2f41aa
outreach intros approve --all --limit 200 --fingerprint 9f86d081...""",
)
@click.argument("intro", nargs=-1)
@click.option(
    "--all", "every", is_flag=True, help="All that outreach intros list shows."
)
@_limit_option
@click.option(
    "--fingerprint",
    metavar="F",
    help="Of what you saw, as list and show print it; without it you are shown the "
    "intros and asked.",
)
@by_option
@json_option
@click.pass_obj
def approve(
    given: Given,
    *,
    intro: tuple[str, ...],
    every: bool,
    limit: int,
    fingerprint: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Have these intros sent with their messages; that is for good.

    Give ids, or --all.
    """
    if bool(intro) == every:
        message = "give ids of intros, or --all"
        raise click.UsageError(message)
    if fingerprint is None and not sys.stdin.isatty():
        message = (
            "give --fingerprint, as outreach intros list prints it: "
            "there is no terminal here to show you the intros and ask"
        )
        raise click.UsageError(message)
    zone = given.settings.tenant.time_zone

    async def work(engine: Engine) -> list[tuple[Intro, Kept]]:
        if every:
            views = await _listed(engine, IntroState.PROPOSED, limit)
        else:
            views = await _named(engine, intro)
        _seen(views, fingerprint, zone)
        return await _decide(engine, views, lambda before, at: approved(before, by, at))

    _tell(with_engine(given, work), IntroState.APPROVED, as_json=as_json)


async def _named(engine: Engine, words: Sequence[str]) -> list[IntroView]:
    """Each once, in their order."""
    found = [await _get(engine, one) for one in words]
    return list({view.intro.id: view for view in found}.values())


def _seen(views: Sequence[IntroView], fingerprint: str | None, zone: str) -> None:
    """Nothing is approved but what was shown."""
    if fingerprint is None:
        show_batch(views, zone)
        if views and not click.confirm(f"approve these {len(views)}?", err=True):
            message = "not confirmed: nothing was done"
            raise Refused(message)
        return
    if fingerprint != batch_print([view.intro for view in views]):
        message = "the intros have changed since you saw them: outreach intros list"
        raise Stale(message)


@command(
    "reject",
    parent=intros,
    example="outreach intros reject 7c2f41aa 9b1c77e0",
)
@click.argument("intro", nargs=-1, required=True)
@by_option
@json_option
@click.pass_obj
def reject(given: Given, *, intro: tuple[str, ...], by: str, as_json: bool) -> None:
    """Refuse intros: their messages say their default, or wait for you to edit."""

    async def work(engine: Engine) -> list[tuple[Intro, Kept]]:
        views = await _named(engine, intro)
        return await _decide(engine, views, lambda before, at: rejected(before, by, at))

    _tell(with_engine(given, work), IntroState.REJECTED, as_json=as_json)


@command(
    "edit",
    parent=intros,
    example="""\
outreach intros edit 7c2f41aa --text "Am văzut că lucrați cu rapiță."
outreach intros edit 7c2f41aa --file intro.txt""",
)
@click.argument("intro")
@click.option("--text", help="The intro, one line.")
@click.option("--file", type=FILE, help="A file that holds it.")
@by_option
@json_option
@click.pass_obj
def edit(
    given: Given,
    *,
    intro: str,
    text: str | None,
    file: Path | None,
    by: str,
    as_json: bool,
) -> None:
    """Write an intro yourself, and have it sent; that is for good."""
    said = _text(text, file)

    async def work(engine: Engine) -> list[tuple[Intro, Kept]]:
        view = await _get(engine, intro)
        return await _decide(
            engine, [view], lambda before, at: edited(before, said, by, at)
        )

    _tell(with_engine(given, work), IntroState.APPROVED, as_json=as_json)


def _text(text: str | None, file: Path | None) -> str:
    if file is not None and text is None:
        try:
            return file.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            message = f"{file} is no text in UTF-8: save it as such"
            raise click.BadParameter(message, param_hint="--file") from error
    if text is None or file is not None:
        message = "give the intro by --text or by --file"
        raise click.UsageError(message)
    return text


async def _decide(
    engine: Engine,
    views: Sequence[IntroView],
    rule: Callable[[Intro, datetime], Intro],
) -> list[tuple[Intro, Kept]]:
    shown = [view.intro for view in views]
    kept = await engine.container.decide_intros()(engine.tenant, shown, rule)
    return list(zip(shown, kept, strict=True))


def _tell(
    done: Sequence[tuple[Intro, Kept]], state: IntroState, *, as_json: bool
) -> None:
    """What became of each; exits with 1 if one was not kept."""
    good = [intro for intro, kept in done if kept is Kept.KEPT]
    bad = [(intro, kept) for intro, kept in done if kept is not Kept.KEPT]
    if as_json:
        print_json(_plain(good, bad, state))
    else:
        say(f"{len(good)} {state}")
    for intro, kept in bad:
        complain(became(intro, kept))
    if bad:
        sys.exit(_FAILED)


def _plain(
    good: Sequence[Intro], bad: Sequence[tuple[Intro, Kept]], state: IntroState
) -> dict[str, Any]:
    return {
        "state": state,
        "done": [intro.id for intro in good],
        "failed": [{"id": intro.id, "why": kept} for intro, kept in bad],
    }
