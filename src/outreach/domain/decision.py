"""The one decision: may this message be sent now, and if not, why and when.

`decide` is pure. It asks every rule, in order, and each rule that blocks says from
when on it would not, and which smallest change of facts would lift it. `why`,
`plan`, `simulate`, the console and the counts by reason all read its answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.blocks import BUDGETS, RULES, TIMED, Block, Reason, Rule
from outreach.domain.budget import UnitSlot
from outreach.domain.case import Case, Flip, flip
from outreach.domain.channel import State, permitted
from outreach.domain.limits import NO_LIMITS, BudgetKind, Share
from outreach.domain.window import local_day, next_midnight

__all__ = [
    "POLICY_VERSION",
    "Block",
    "Decision",
    "Grounds",
    "Reason",
    "Terms",
    "Verdict",
    "decide",
]

POLICY_VERSION: Final = "2026.12"
"""Changes whenever a rule in this module would decide differently."""

_A_SECOND: Final = timedelta(seconds=1)
_HORIZON: Final = 400
"""Rounds after which a time that never comes is given up."""


class Verdict(StrEnum):
    """What to do with the message."""

    SEND = "SEND"
    DEFER = "DEFER"
    HOLD = "HOLD"
    """A person or an event must lift it; no time does."""
    STOP = "STOP"
    """Never: the message is cancelled."""


@frozen
class Terms:
    """What T1 is asked to hold the send to.

    Attributes:
        unit: the slot of a new contact; None costs nothing.
        valid_until: engine time up to which this decision is good.
        shares: what it takes of further budgets.
    """

    unit: UnitSlot | None
    states: frozenset[State]
    valid_until: datetime
    shares: tuple[Share, ...] = ()


@frozen
class Grounds:
    """What was decided from, so that it can be decided again."""

    case: Case
    margin: timedelta


@frozen
class Decision:
    """The answer, with everything needed to explain it.

    Attributes:
        blocks: in the order of the rules; empty for SEND.
        binding: the one reason that counts: the first that is final, else the
            first that no time lifts, else the one that lasts longest.
        earliest: engine time at which it would pass if no fact changed.
        flips: all of these together would let it pass now.
        grounds: the facts it was made from; None: they were not kept.
    """

    verdict: Verdict
    at: datetime
    blocks: tuple[Block, ...]
    binding: Reason
    earliest: datetime | None
    flips: tuple[Flip, ...]
    terms: Terms | None = None
    policy: str = POLICY_VERSION
    grounds: Grounds | None = field(default=None, eq=False, repr=False)

    @property
    def block(self) -> Block:
        """The one the binding reason stands for; of several the longest.

        Raises:
            LookupError: nothing is in the way.
        """
        if not self.blocks:
            msg = f"a decision for {self.verdict} has no block"
            raise LookupError(msg)
        named = [one for one in self.blocks if one.reason is self.binding]
        return max(named or self.blocks[:1], key=lambda one: one.until or self.at)


def decide(case: Case, now: datetime, *, margin: timedelta) -> Decision:
    """May this message be sent at *now* (engine time)?

    Args:
        case: all facts.
        now: engine time.
        margin: call budget; a send must be able to end this long before the
            window or the phone's day does.
    """
    blocks = _blocks(RULES, case, now, margin)
    if not blocks:
        return Decision(
            verdict=Verdict.SEND,
            at=now,
            blocks=(),
            binding=Reason.OK,
            earliest=now,
            flips=(),
            terms=_terms(case, now, margin),
            grounds=Grounds(case, margin),
        )
    earliest = _earliest(case, blocks, now, margin)
    return Decision(
        verdict=_verdict(blocks, earliest),
        at=now,
        blocks=blocks,
        binding=_binding(blocks, now).reason,
        earliest=earliest,
        flips=_flips(case, blocks, now, margin),
        grounds=Grounds(case, margin),
    )


def _flips(
    case: Case, blocks: tuple[Block, ...], now: datetime, margin: timedelta
) -> tuple[Flip, ...]:
    """One per block, less those that another of them lifts as well."""
    flips = tuple(block.flip for block in blocks)
    free = next((one for one in flips if one.fact == "contacted"), None)
    if free is None:
        return flips
    # Who is no new contact is not stopped by what is closed to strangers alone.
    left = [one.flip for one in _blocks(RULES, flip(case, free), now, margin)]
    return tuple(one for one in flips if one is free or one in left)


def _binding(blocks: tuple[Block, ...], now: datetime) -> Block:
    """What stops a message for good counts, whatever else only holds it."""
    lasting = [block for block in blocks if block.until is None]
    if lasting:
        return next((block for block in lasting if block.final), lasting[0])
    return max(blocks, key=lambda block: _lasts(block, now))


def _lasts(block: Block, now: datetime) -> tuple[datetime, bool]:
    """Until when it counts as being in the way.

    A message that a full budget moved is due when the period ends, in its place
    within that second: it waits for the budget, not for its time.
    """
    until = block.until or now
    moved = block.reason is Reason.NOT_DUE
    return until - _A_SECOND * moved, block.reason is Reason.BUDGET_EXCEEDED


def _verdict(blocks: tuple[Block, ...], earliest: datetime | None) -> Verdict:
    if any(block.final for block in blocks):
        return Verdict.STOP
    return Verdict.HOLD if earliest is None else Verdict.DEFER


def _blocks(
    rules: tuple[Rule, ...], case: Case, at: datetime, margin: timedelta
) -> tuple[Block, ...]:
    found = [rule(case, at, margin) for rule in rules]
    if _limited(case):
        found += [rule(case, at, margin) for rule in BUDGETS]
    return tuple([block for block in found if block is not None])


def _limited(case: Case) -> bool:
    """Most phones have no further budget, and nothing is looked up for them."""
    return case.sender is not None and case.sender.limits != NO_LIMITS


def _earliest(
    case: Case, blocks: tuple[Block, ...], now: datetime, margin: timedelta
) -> datetime | None:
    at = now
    for _ in range(_HORIZON):
        if not blocks:
            return at
        untils = [block.until for block in blocks if block.until is not None]
        if len(untils) < len(blocks):
            return None
        at = max(untils)
        blocks = _blocks(TIMED, case, at, margin)
    return None


def _terms(case: Case, now: datetime, margin: timedelta) -> Terms:
    ends = None if case.intent.permission else case.window.closes(now)
    unit = None
    if case.sender is not None and case.is_new:
        zone = case.sender.time_zone
        unit = UnitSlot(case.sender.id, local_day(now, zone))
        midnight = next_midnight(now, zone)
        ends = midnight if ends is None else min(ends, midnight)
    kinds = BudgetKind if _limited(case) else ()
    shares = tuple(
        wanted for kind in kinds if (wanted := case.share(kind, now)) is not None
    )
    for each in shares:
        ends = each.ends_at if ends is None else min(ends, each.ends_at)
    if ends is None:
        ends = now + timedelta(hours=1)
    return Terms(unit, permitted(case.intent.channel), ends - margin, shares)
