"""Whether a version is known to be the best, however often one looks."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.channel import Channel
from outreach.domain.ids import TemplateId
from outreach.domain.sequence import MessageTemplate
from outreach.domain.trial import (
    ALPHA,
    SENDS_NEEDED,
    Counts,
    Measure,
    Ruling,
    Trial,
    evidence,
    interval,
    judge,
)
from outreach.domain.version import Version

RUNS = 200
LEADS = 1_200
FOUND = 0.8


def a_trial(
    counts: dict[str, Counts],
    weights: dict[str, int] | None = None,
    winner: str = "",
) -> Trial:
    weights = weights or dict.fromkeys(counts, 1)
    template = MessageTemplate(
        id=TemplateId(UUID(int=7)),
        name="intro",
        channel=Channel.WHATSAPP,
        content="",
        versions=[
            Version(label, label, "", weight) for label, weight in weights.items()
        ],
        winner=winner,
        picked_by="ana" if winner else "",
    )
    return Trial(template, counts)


def first_call(
    chance: Random,
    rates: dict[str, float],
    weights: dict[str, int],
    rule: Callable[[Trial], Ruling] = judge,
) -> Ruling | None:
    """Sends to one lead after the other, of whom some reply much later, and looks at
    the figures after each reply; None: no version was ever called.
    """
    sent, replies = dict.fromkeys(rates, 0), dict.fromkeys(rates, 0)
    late: dict[int, list[str]] = {}
    labels, shares = list(weights), list(weights.values())
    template = a_trial({}, weights).template
    for lead in range(LEADS):
        (label,) = chance.choices(labels, shares)
        sent[label] += 1
        if chance.random() < rates[label]:
            late.setdefault(lead + chance.randrange(300), []).append(label)
        arrived = late.pop(lead, [])
        for one in arrived:
            replies[one] += 1
        if not arrived:
            continue  # sends alone make no version better
        counts = {one: Counts(sent=sent[one], replies=replies[one]) for one in rates}
        ruling = rule(Trial(template, counts))
        if ruling.winner is not None:
            return ruling
    return None


@pytest.mark.parametrize(
    ("rates", "weights"),
    [
        ({"A": 0.1, "B": 0.1}, {"A": 1, "B": 1}),
        ({"A": 0.2, "B": 0.2}, {"A": 1, "B": 4}),
        ({"A": 0.15, "B": 0.15, "C": 0.15}, {"A": 1, "B": 1, "C": 1}),
    ],
)
def test_versions_alike_are_seldom_called_though_every_reply_is_looked_at(
    rates: dict[str, float], weights: dict[str, int]
) -> None:
    chance = Random(20_261_201)

    called = sum(first_call(chance, rates, weights) is not None for _ in range(RUNS))

    assert called <= ALPHA * RUNS


def once(trial: Trial) -> Ruling:
    """A test of 5 % that holds for a single look: the normal one for two rates."""
    a, b = trial.of("A"), trial.of("B")
    if min(a.sent, b.sent) < SENDS_NEEDED:
        return Ruling(None, "")
    rate = (a.replies + b.replies) / (a.sent + b.sent)
    spread = (rate * (1 - rate) * (1 / a.sent + 1 / b.sent)) ** 0.5
    apart = abs(a.replies / a.sent - b.replies / b.sent) > 1.96 * spread
    return Ruling("?" if apart else None, "")


def test_a_rule_that_is_not_made_for_looking_often_calls_versions_alike() -> None:
    chance = Random(20_261_201)
    rates, weights = {"A": 0.1, "B": 0.1}, {"A": 1, "B": 1}

    calls = [first_call(chance, rates, weights, once) for _ in range(RUNS)]

    assert len(calls) - calls.count(None) > 2 * ALPHA * RUNS


@pytest.mark.parametrize("weights", [{"A": 1, "B": 1}, {"A": 1, "B": 3}])
def test_a_real_difference_is_found_and_named_right(weights: dict[str, int]) -> None:
    chance = Random(20_261_202)

    calls = [first_call(chance, {"A": 0.18, "B": 0.08}, weights) for _ in range(60)]

    winners = [None if one is None else one.winner for one in calls]
    assert "B" not in winners
    assert winners.count("A") >= FOUND * len(winners)


def test_the_best_must_beat_every_other_one() -> None:
    poor, good = Counts(sent=1_000, replies=20), Counts(sent=1_000, replies=120)

    tied = judge(a_trial({"A": good, "B": good, "C": poor}))
    clear = judge(a_trial({"A": good, "B": poor, "C": poor}))

    assert tied.winner is None
    assert clear.winner == "A"


def test_nobody_wins_before_each_was_sent_often_enough() -> None:
    few = {"A": Counts(sent=99, replies=60), "B": Counts(sent=500, replies=2)}
    enough = few | {"A": Counts(sent=SENDS_NEEDED, replies=60)}

    early, late = judge(a_trial(few)), judge(a_trial(enough))

    assert early.winner is None
    assert early.says.endswith("too early to call (100 sends of each are needed).")
    assert late.winner == "A"


def test_the_sentence_says_what_is_known() -> None:
    counts = {
        "A": Counts(sent=251, replies=9),
        "B": Counts(sent=240, replies=12, positive=4),
    }

    replies = judge(a_trial(counts))
    positive = judge(a_trial(counts), Measure.POSITIVE)
    picked = judge(a_trial(counts, winner="B"))

    assert replies.says == (
        "B has 12 replies of 240 (2.9 % to 8.5 %), A has 9 replies of 251 "
        "(1.9 % to 6.7 %): too early to call."
    )
    assert positive.says.startswith("B has 4 positive replies of 240 (")
    assert picked == Ruling("B", "B was picked by ana.")


def test_a_template_of_one_text_has_nothing_to_compare() -> None:
    trial = a_trial({"A": Counts(sent=10, replies=1)}, weights={"A": 1})
    plain = Trial(
        MessageTemplate(trial.template.id, "intro", Channel.WHATSAPP, "Salut"),
        trial.counts,
    )

    ruling = judge(plain)

    assert ruling.winner is None
    assert ruling.says.endswith("one version.")


@pytest.mark.parametrize(
    ("successes", "sends", "expected"),
    [
        (0, 0, (0.0, 1.0)),
        (0, 100, (0.0, 0.0370)),  # Wilson's, as in any table of it
        (12, 240, (0.0288, 0.0853)),
        (10, 10, (0.7225, 1.0)),
    ],
)
def test_intervals_are_wilsons(
    successes: int, sends: int, expected: tuple[float, float]
) -> None:
    assert interval(successes, sends) == pytest.approx(expected, abs=5e-5)


@given(st.integers(1, 400), st.data())
def test_an_interval_holds_its_rate(sends: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, sends))

    least, most = interval(successes, sends)

    assert 0 <= least <= successes / sends + 1e-12
    assert successes / sends - 1e-12 <= most <= 1


@given(
    st.integers(0, 300),
    st.integers(0, 300),
    st.floats(0.05, 0.95),
    st.floats(0.0, 1.0),
)
def test_where_the_other_is_no_worse_evidence_is_expected_to_shrink(
    better: int, other: int, share: float, part: float
) -> None:
    """A supermartingale: the mean of what the next reply makes of it is no greater."""
    truth = share * part  # at most its share of replies is the version's
    now = exp(evidence(better, other, share))
    hit = exp(evidence(better + 1, other, share))
    miss = exp(evidence(better, other + 1, share))

    assert truth * hit + (1 - truth) * miss <= now * (1 + 1e-9)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.05, 0.95))
def test_each_success_speaks_for_whose_it_is(
    better: int, other: int, share: float
) -> None:
    now = evidence(better, other, share)

    assert evidence(better + 1, other, share) > now
    assert evidence(better, other + 1, share) < now
    assert evidence(0, 0, share) == pytest.approx(0.0)
