"""``outreach simulate``."""

from __future__ import annotations

import asyncio
import logging
from datetime import date
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click
from attrs import asdict

from outreach.domain.window import local_instant
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.instant import instant
from outreach.entrypoints.cli.options import FILE, command
from outreach.entrypoints.cli.screen import Meter, as_json, say, table
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.simulated.asked import OPENS, Asked, Faults
from outreach.entrypoints.simulated.page import page
from outreach.entrypoints.simulated.play import Played, play
from outreach.ports.decisions import PhoneDay

__all__ = ["simulate"]

_BROKEN: Final = 1
_MONDAY: Final = date(2026, 3, 2)
_SHOWN: Final = 20


class _Asked(TypedDict):
    days: int
    phones: int
    leads: int
    followups: int
    seed: int
    sequence: Path | None
    hours: float
    reply_rate: float
    bounce_rate: float
    faults: str
    begin: str | None
    json_file: str | None
    html: str | None


@command(
    "simulate",
    example="""\
outreach simulate --days 10 --phones 5 --leads 2000 --followups 1
outreach simulate --days 20 --phones 20 --leads 20000 --sequence sequence.toml \\
  --faults brutal --seed 7 --html campaign.html""",
)
@click.option("--days", type=int, default=10, show_default=True, help="Working days.")
@click.option("--phones", type=int, default=5, show_default=True, help="How many.")
@click.option("--leads", type=int, default=2000, show_default=True, help="How many.")
@click.option(
    "--followups",
    type=int,
    default=1,
    show_default=True,
    help="A day apart each, where no --sequence is given.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of all chance.")
@click.option("--sequence", type=FILE, help="Play this one.")
@click.option(
    "--hours", type=float, default=9, show_default=True, help="Open a day, from 09:00."
)
@click.option(
    "--reply-rate",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of messages that are answered.",
)
@click.option(
    "--bounce-rate",
    type=float,
    default=0.03,
    show_default=True,
    help="Share of numbers that are not on WhatsApp.",
)
@click.option(
    "--faults",
    type=click.Choice([str(one) for one in Faults]),
    default=str(Faults.QUIET),
    show_default=True,
    help="What goes wrong at the provider.",
)
@click.option(
    "--from",
    "begin",
    metavar="TIME",
    help="When it begins, ISO 8601, else a Monday of March 2026.",
)
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    help="Write everything as JSON; - is standard output, and nothing else is there.",
)
@click.option(
    "--html",
    metavar="FILE",
    help="Write one page with plots, that needs no other file.",
)
@click.pass_obj
def simulate(given: Given, **asked: Unpack[_Asked]) -> None:
    """Play weeks of a campaign in memory before a message is spent.

    These are the rules and use cases that run for real, over a clock that moves by
    itself and people, faults and bans that are drawn from the seed. Exit status 1 if
    a rule was broken. Nothing leaves the process.
    """
    set_up_logs(level=logging.ERROR, plain=True)
    wanted = _asked(given, asked)
    for option, name in (("--json", asked["json_file"]), ("--html", asked["html"])):
        _writable(option, name)
    with Meter("simulating") as meter:
        played = asyncio.run(play(wanted, given.settings, meter))
    if asked["json_file"] == "-":
        click.echo(as_json(plain(played)))
    else:
        _show(played)
        if asked["json_file"]:
            Path(asked["json_file"]).write_text(as_json(plain(played)), "utf-8")
    if asked["html"]:
        Path(asked["html"]).write_text(page(played), "utf-8")
    if played.broken:
        raise click.exceptions.Exit(_BROKEN)


def _asked(given: Given, asked: _Asked) -> Asked:
    zone = given.settings.tenant.time_zone
    begin = instant(asked["begin"], "--from", zone)
    return Asked(
        days=asked["days"],
        phones=asked["phones"],
        leads=asked["leads"],
        followups=asked["followups"],
        seed=asked["seed"],
        sequence=asked["sequence"],
        hours=asked["hours"],
        reply_rate=asked["reply_rate"],
        bounce_rate=asked["bounce_rate"],
        faults=Faults(asked["faults"]),
        begin=begin or local_instant(_MONDAY, OPENS, zone),
    )


def _writable(option: str, name: str | None) -> None:
    """Before minutes are spent, not after."""
    if name in {None, "-"}:
        return
    try:
        with Path(str(name)).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        message = f"{name} cannot be written: {error.strerror}"
        raise click.BadParameter(message, param_hint=option) from error


def plain(played: Played) -> dict[str, Any]:
    """For programs."""
    asked = asdict(played.asked)
    asked["sequence"] = None if asked["sequence"] is None else str(asked["sequence"])
    return {
        "asked": asked,
        "plan": asdict(played.plan),
        "days": [asdict(one) for one in played.days],
        "phones": [asdict(one) for one in played.phones],
        "summary": asdict(played.summary),
        "accepted": played.accepted,
        "broken": list(played.broken),
    }


def _show(played: Played) -> None:
    table(
        "By day",
        (
            "day",
            "#new",
            "#follow-ups",
            "#leads waiting",
            "#due",
            "#oldest, days",
            "#able",
        ),
        [
            (
                one.day,
                one.new,
                one.followups,
                one.waiting,
                one.due,
                f"{one.oldest:.1f}",
                one.able,
            )
            for one in played.days
        ],
    )
    table(
        "By phone",
        ("phone", "#new", "#follow-ups", "#most new in a day", "#limit"),
        [
            (
                phone,
                sum(one.new for one in own),
                sum(one.followups for one in own),
                max(one.new for one in own),
                own[0].limit,
            )
            for phone, own in _by_phone(played).items()
        ],
    )
    found = played.summary
    say(
        f"{played.accepted} messages accepted; {sum(found.replies.values())} replies, "
        f"{found.suppressed} opted out, {found.unknown} of unknown outcome."
    )
    for one in played.broken[:_SHOWN]:
        say(f"BROKEN {one}", style="bold red")
    if not played.broken:
        say("No rule was broken.", style="bold green")


def _by_phone(played: Played) -> dict[str, list[PhoneDay]]:
    found: dict[str, list[PhoneDay]] = {}
    for one in played.phones:
        found.setdefault(one.phone, []).append(one)
    return found
