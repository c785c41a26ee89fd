"""What the versions of a template bring, and whether one is known to be the best.

Judged by who answers, and looked at as often as one likes. Which version a lead gets is
drawn by weight, whatever the lead is like. So where versions do not differ, of all the
replies that two of them bring, each is the one's with the chance of its weight in both,
however late replies come and whatever else changes in the meantime. Against that a
likelihood ratio is kept, mixed over how much more the better one may bring: a test
supermartingale, which passes *n* with a chance of at most 1/*n*, ever (Ville 1939;
mixtures: Robbins, *Statistical methods related to the law of the iterated logarithm*,
Ann. Math. Stat. 41, 1970; counts under a fixed draw: Lindon and Malek, *Anytime-valid
inference for multinomial count data*, NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import exp, log, sqrt
from typing import Final

from attrs import field, frozen

from outreach.domain.sequence import MessageTemplate
from outreach.domain.version import PLAIN, Version

__all__ = [
    "ALPHA",
    "SENDS_NEEDED",
    "Counts",
    "Measure",
    "Ruling",
    "Trial",
    "evidence",
    "interval",
    "judge",
]

ALPHA: Final = 0.05
"""Chance at most that a version is called the best and is not, over all looks."""
SENDS_NEEDED: Final = 100
"""Leads that each version must have been sent to before any is called."""

_LIFTS: Final = (1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
"""How many times the other's replies the better one may bring, alike likely."""
_Z: Final = 1.959964
"""Of the normal distribution, for 95 %."""


class Measure(StrEnum):
    """What counts as a success."""

    REPLIES = "replies"
    POSITIVE = "positive"
    OPENS = "opens"
    CONVERSIONS = "conversions"


@frozen
class Counts:
    """Leads that were sent a version, and what they did, each lead once.

    Attributes:
        positive: whose reply shows interest.
    """

    sent: int = 0
    opens: int = 0
    replies: int = 0
    positive: int = 0
    conversions: int = 0

    def of(self, measure: Measure) -> int:
        """Successes."""
        found: int = getattr(self, measure.value)
        return found


@frozen
class Trial:
    """A template with what its versions brought since they and their weights are as
    they are; corrections of a text go on counting.

    Attributes:
        counts: by label.
    """

    template: MessageTemplate
    counts: Mapping[str, Counts] = field(factory=dict)

    def of(self, label: str) -> Counts:
        """Of one version; nothing yet: all 0."""
        return self.counts.get(label, Counts())


@frozen
class Ruling:
    """What can be said.

    Attributes:
        winner: label; None: it is too early.
        says: the same in one sentence.
    """

    winner: str | None
    says: str


def interval(successes: int, sends: int) -> tuple[float, float]:
    """Where a rate may lie, as shares: Wilson's score interval of 95 % (Wilson 1927).

    Of nothing sent anything may be true: 0 to 1.
    """
    if sends == 0:
        return 0.0, 1.0
    rate, z2 = successes / sends, _Z * _Z
    middle = (rate + z2 / (2 * sends)) / (1 + z2 / sends)
    spread = rate * (1 - rate) / sends + z2 / (4 * sends * sends)
    half = _Z * sqrt(spread) / (1 + z2 / sends)
    return max(0.0, middle - half), min(1.0, middle + half)


def evidence(better: int, other: int, share: float) -> float:
    """Logarithm of how much likelier these successes are if one version is better.

    Args:
        better: successes of the version that may be better; other: of the other one.
        share: of the better one's weight in both.
    """
    found = []
    for lift in _LIFTS:
        # Of the other's successes it makes so many times as many, weight for weight.
        total = share * lift + 1 - share
        found.append(better * log(lift) - (better + other) * log(total))
    highest = max(found)
    mean = sum(exp(one - highest) for one in found) / len(found)
    return highest + log(mean)


def judge(
    trial: Trial, measure: Measure = Measure.REPLIES, *, alpha: float = ALPHA
) -> Ruling:
    """Whether a version is better than every other one.

    Each comparison gets an equal part of *alpha*, so that any number of versions may be
    compared.
    """
    template = trial.template
    versions = template.versions
    if template.winner:
        by = template.picked_by
        return Ruling(template.winner, f"{template.winner} was picked by {by}.")
    if not versions:
        return Ruling(None, f"{_rates(trial, PLAIN, measure)}: one version.")
    few = min(trial.of(one.label).sent for one in versions)
    if few >= SENDS_NEEDED:
        for one in versions:
            if all(
                _beats(trial, measure, one, other, alpha / len(versions))
                for other in versions
                if other is not one
            ):
                said = _all(trial, measure, first=one.label)
                return Ruling(one.label, f"{said}: {one.label} is the best.")
    said = _all(trial, measure)
    more = "" if few >= SENDS_NEEDED else f" ({SENDS_NEEDED} sends of each are needed)"
    return Ruling(None, f"{said}: too early to call{more}.")


def _beats(
    trial: Trial, measure: Measure, one: Version, other: Version, alpha: float
) -> bool:
    found = evidence(
        trial.of(one.label).of(measure),
        trial.of(other.label).of(measure),
        one.weight / (one.weight + other.weight),
    )
    return found >= -log(alpha)


def _all(trial: Trial, measure: Measure, *, first: str = "") -> str:
    labels = [one.label for one in trial.template.versions]
    labels.sort(key=lambda label: (label != first, -_rate(trial.of(label), measure)))
    return ", ".join(_rates(trial, label, measure) for label in labels)


def _rate(counts: Counts, measure: Measure) -> float:
    return counts.of(measure) / counts.sent if counts.sent else 0.0


def _rates(trial: Trial, label: str, measure: Measure) -> str:
    counts = trial.of(label)
    least, most = interval(counts.of(measure), counts.sent)
    what = "positive replies" if measure is Measure.POSITIVE else measure.value
    return (
        f"{label} has {counts.of(measure)} {what} of {counts.sent} "
        f"({100 * least:.1f} % to {100 * most:.1f} %)"
    )
