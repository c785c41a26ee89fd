"""``outreach templates stats`` and ``pick``: versions of a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from attrs import asdict

from outreach.domain.errors import NotFound
from outreach.domain.trial import Counts, Measure, Trial, interval, judge
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import by_option, command, json_option
from outreach.entrypoints.cli.screen import print_json, say, table
from outreach.entrypoints.engine import Engine

__all__ = ["pick", "stats"]


@command(
    "stats",
    example="""\
outreach templates stats
outreach templates stats wa-first --by positive
outreach templates stats wa-first --json""",
)
@click.argument("template", required=False)
@click.option(
    "--by",
    type=click.Choice([one.value for one in Measure]),
    help="By what versions are compared; else as it is set (replies).",
)
@json_option
@click.pass_obj
def stats(given: Given, *, template: str | None, by: str | None, as_json: bool) -> None:
    """Show what each version of a template brought, with the interval in which its
    rate lies (95 %), and whether one is known to be the best.

    Figures are of leads, each counted once, since the versions and their weights are
    as they are. Look as often as you like: the sentence allows for it. Compare by one
    measure, chosen beforehand.
    """
    measure = Measure(by or given.settings.tenant.versions_by)

    async def work(engine: Engine) -> Sequence[Trial]:
        return _wanted(
            await engine.container.campaigns().trials(engine.tenant), template
        )

    found = with_engine(given, work)
    if as_json:
        print_json([_plain(one, measure) for one in found])
        return
    for one in found:
        _show(one, measure)
    if not found:
        say("There is no template yet.")


@command(
    "pick",
    example='outreach templates pick wa-first B --by "Ana Pop"',
)
@click.argument("template")
@click.argument("label")
@by_option
@click.pass_obj
def pick(given: Given, *, template: str, label: str, by: str) -> None:
    """Give new leads this version of a template only, from now on.

    A lead that was sent another keeps that one. Saving the template with other
    versions or weights begins anew.
    """

    async def work(engine: Engine) -> Trial:
        store = engine.container.campaigns()
        before = _wanted(await store.trials(engine.tenant), template)[0]
        await store.pick(engine.tenant, template, label, by=by)
        return before

    before = with_engine(given, work)
    measure = Measure(given.settings.tenant.versions_by)
    say(judge(before, measure).says)
    say(f"New leads get version {label} of {template} from now on.")


def _wanted(found: Sequence[Trial], name: str | None) -> Sequence[Trial]:
    wanted = [one for one in found if name in {None, one.template.name}]
    if name is not None and not wanted:
        there = ", ".join(one.template.name for one in found) or "none"
        message = f"there is no template {name!r} (there: {there})"
        raise NotFound(message)
    return wanted


def _counts(trial: Trial) -> dict[str, Counts]:
    """Of each version; of the only text there is, if there is one."""
    labels = [one.label for one in trial.template.versions] or list(trial.counts)
    return {label: trial.of(label) for label in labels}


def _plain(trial: Trial, measure: Measure) -> dict[str, Any]:
    ruling, template = judge(trial, measure), trial.template
    weights = {one.label: one.weight for one in template.versions}
    return {
        "template": template.name,
        "channel": template.channel,
        "versions": [
            {
                "version": label,
                "weight": weights.get(label, 1),
                **asdict(counts),
                "intervals": {
                    one.value: interval(counts.of(one), counts.sent) for one in Measure
                },
            }
            for label, counts in _counts(trial).items()
        ],
        "by": measure,
        "winner": ruling.winner,
        "picked_by": template.picked_by,
        "says": ruling.says,
    }


def _show(trial: Trial, measure: Measure) -> None:
    table(
        trial.template.name,
        ("version", "#sent", "#opens", "#replies", "#positive", "#conversions"),
        [
            (
                label,
                counts.sent,
                *(
                    _rate(counts, one)
                    for one in (
                        Measure.OPENS,
                        Measure.REPLIES,
                        Measure.POSITIVE,
                        Measure.CONVERSIONS,
                    )
                ),
            )
            for label, counts in _counts(trial).items()
        ],
    )
    say(judge(trial, measure).says)


def _rate(counts: Counts, measure: Measure) -> str:
    successes = counts.of(measure)
    if not counts.sent:
        return "-"
    least, most = interval(successes, counts.sent)
    return f"{successes} ({100 * least:.1f} to {100 * most:.1f} %)"
