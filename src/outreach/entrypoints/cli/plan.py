"""``outreach plan``."""

from __future__ import annotations

import random
from datetime import timedelta
from math import inf
from typing import Any, Final, TypedDict, Unpack

import click
from attrs import asdict, frozen

from outreach.domain.capacity import DAILY_LIMIT, STOP_RATE, Demand, Plan, plan
from outreach.domain.forecast import ForecastDay, forecast
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import print_json, say, table

__all__ = ["plan_command"]

_TAIL: Final = 3.09
"""Standard deviations below the mean that a day in a thousand lies."""
_SHOWN: Final = 12


class _Asked(TypedDict):
    phones: int
    new: float | None
    followups: str
    stop_rate: float
    hours: float
    gap: float
    send_time: float
    limit: int
    leads: int | None
    days: int
    seed: int
    as_json: bool


@frozen
class _Answer:
    demand: Demand
    plan: Plan
    days: tuple[ForecastDay, ...]

    @property
    def late_on(self) -> int | None:
        return next((one.day for one in self.days if one.is_late), None)

    @property
    def bad_day(self) -> int:
        found = self.plan
        mean, deviation = found.capacity_per_sender_day, found.capacity_deviation
        return max(0, int(mean - _TAIL * deviation))


@command(
    "plan",
    example="""\
outreach plan --phones 20 --new 200 --followups 1
outreach plan --phones 20 --leads 8000 --followups 3 --json""",
)
@click.option("--phones", type=int, required=True, help="How many there are.")
@click.option(
    "--new", type=float, help="New leads for each phone, per working day; else --limit."
)
@click.option(
    "--followups", default="0", metavar="N", help="Per lead; 'endless': no end of them."
)
@click.option(
    "--stop-rate",
    type=float,
    default=STOP_RATE,
    show_default=True,
    help="Share of leads that stop at each touch, 0 to 1.",
)
@click.option("--hours", type=float, default=9, show_default=True, help="Open a day.")
@click.option(
    "--gap", type=float, default=90, show_default=True, help="Mean, in seconds."
)
@click.option(
    "--send-time", type=float, default=0, show_default=True, help="Of a call, seconds."
)
@click.option(
    "--limit",
    type=int,
    default=DAILY_LIMIT,
    show_default=True,
    help="New leads allowed to one phone a day.",
)
@click.option("--leads", type=int, help="To contact in all; else they never end.")
@click.option(
    "--days",
    type=click.IntRange(1, 1_000),
    default=60,
    show_default=True,
    help="Working days that are played through.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of those days.")
@json_option
def plan_command(**asked: Unpack[_Asked]) -> None:
    """Say whether phones can do what is asked of them, before a message is spent.

    Answers by closed formulas, names the rule that binds and the phones it would take,
    then plays the days through, slot by slot, and says when the backlog passes its
    bound: a lead that waits more than a working day for its first message, or a
    follow-up more than two for its turn.
    """
    demand = _demand(asked)
    played = forecast(demand, asked["days"], random.Random(asked["seed"]))
    answer = _Answer(demand, plan(demand), tuple(played))
    if asked["as_json"]:
        print_json(_plain(answer))
    else:
        _show(answer)


def _demand(asked: _Asked) -> Demand:
    phones, leads = asked["phones"], asked["leads"]
    new = asked["new"]
    if new is None:
        counted = leads is not None and phones > 0
        share = max(0, leads or 0) / phones if counted else asked["limit"]
        new = min(float(asked["limit"]), share)
    return Demand(
        senders=phones,
        new=new,
        followups=_followups(asked["followups"]),
        stop_rate=asked["stop_rate"],
        hours=_span("--hours", asked["hours"], 3600),
        gap=_span("--gap", asked["gap"]),
        send_time=_span("--send-time", asked["send_time"]),
        limit=asked["limit"],
        batch=leads,
    )


def _followups(text: str) -> int | None:
    if text == "endless":
        return None
    if not text.isascii() or not text.isdigit():
        message = f"{text!r} is no number: give 0 to 1000, or endless"
        raise click.BadParameter(message, param_hint="--followups")
    return int(text)


def _span(option: str, number: float, seconds: float = 1) -> timedelta:
    try:
        return timedelta(seconds=number * seconds)
    except (OverflowError, ValueError) as error:
        message = f"{number} is no time"
        raise click.BadParameter(message, param_hint=option) from error


def _plain(answer: _Answer) -> dict[str, Any]:
    figures = {
        name: None if value == inf else value
        for name, value in asdict(answer.plan).items()
    }
    return {
        **figures,
        "capacity_on_a_bad_day": answer.bad_day,
        "late_on_day": answer.late_on,
        "days_played": [asdict(one) for one in answer.days],
    }


def _show(answer: _Answer) -> None:
    asked, found = answer.demand, answer.plan
    touches = "endless" if asked.followups is None else asked.followups
    leads = "" if asked.batch is None else f", {asked.batch} leads in all"
    fits = "fits" if found.fits else "does not fit"
    say(
        f"{asked.senders} phones, {asked.new:g} new a day each, {touches} follow-ups, "
        f"{asked.stop_rate:.0%} stop at each touch{leads}: {fits}.",
        style="bold green" if found.fits else "bold red",
    )
    needed = found.senders_needed
    need = found.needed_per_sender_day
    rows = [
        ("sends of a phone a day", f"{found.capacity_per_sender_day:.1f}"),
        ("  on a bad day in a thousand", str(answer.bad_day)),
        ("sends a day that this needs", "no end" if need == inf else f"{need:.1f}"),
        ("new a day that can go on", f"{found.sustainable_new_per_sender_day:.1f}"),
        ("phones that it takes", "no number" if needed is None else str(needed)),
        ("binding", str(found.binding)),
    ]
    if asked.batch is not None:
        rows.append(("working days to the last first contact", str(found.days)))
    table("By the formulas, for each phone", ("what", "#is"), rows)
    _show_days(answer)


def _show_days(answer: _Answer) -> None:
    table(
        f"Played through, one phone, its first {min(_SHOWN, len(answer.days))} days",
        ("#day", "#new", "#follow-ups", "#leads waiting", "#oldest follow-up, days"),
        [
            (one.day, one.new, one.followups, one.waiting, f"{one.oldest_followup:.1f}")
            for one in answer.days[:_SHOWN]
        ],
    )
    if answer.late_on is None:
        say(f"The backlog stays within its bound for {len(answer.days)} working days.")
    else:
        say(f"The backlog passes its bound on working day {answer.late_on}.")
