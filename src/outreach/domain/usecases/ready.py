"""A message that was decided on: what is asked of the guard, and what is put off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.allowance import is_plan
from outreach.domain.budget import Ask, UnitSlot
from outreach.domain.case import Case, Flip
from outreach.domain.decision import Block, Decision, Reason, Verdict
from outreach.domain.limits import BudgetKind, kind_of
from outreach.domain.message import Draft
from outreach.domain.outcome import rerouted
from outreach.domain.provider_campaign import ABSENT, CampaignHold
from outreach.domain.sender import SendClass, Sender
from outreach.domain.window import local_day, next_midnight
from outreach.ports.lanes import Claim, PutOff

__all__ = [
    "LOOK_AGAIN",
    "Ready",
    "ask_for",
    "closes",
    "put_by",
    "rebuilt_first",
    "with_host",
]

LOOK_AGAIN: Final = timedelta(hours=1)
"""A message that only a person or an event can lift is looked at again then."""

_IN_A_MOMENT: Final = timedelta(seconds=5)
_ASKED_FOR: Final = timedelta(minutes=1)
_CLOSES_MORE: Final = frozenset(
    {Reason.QUOTA_EXCEEDED, Reason.BUDGET_EXCEEDED, Reason.OUTSIDE_WINDOW}
)
"""These close a class, a window or all of the lane, and not one message."""


@frozen
class Ready:
    """A message that was decided to be sent, as T1 will be asked for it."""

    case: Case
    sender: Sender
    made: Decision
    draft: Draft

    @property
    def slot(self) -> UnitSlot:
        """Where the guard counts it, or would."""
        zone = self.sender.time_zone
        return self.draft.counted or UnitSlot(
            self.sender.id, local_day(self.made.at, zone)
        )


def ask_for(claim: Claim, ready: Ready) -> Ask:
    """What the guard is asked for it; also for what costs nothing."""
    draft, zone = ready.draft, ready.sender.time_zone
    external = 0 if ready.case.ledger is None else ready.case.ledger.external
    return Ask(
        rid=ready.case.intent.id,
        slot=ready.slot,
        cost=0 if draft.unit is None else 1,
        limit=max(0, draft.limit - external),
        epoch=claim.epoch,
        expires_in=next_midnight(claim.now, zone) - claim.now,
        budgets=tuple(one.asked(claim.now) for one in draft.shares),
    )


def rebuilt_first(claim: Claim, ready: Ready) -> PutOff:
    """The ledger has another epoch by now, and the next claim will know it."""
    until = claim.now + _IN_A_MOMENT
    lift = Flip("now", until, "the guard must be rebuilt")
    block = Block(Reason.NEED_REBUILD, (("epoch", str(claim.epoch)),), until, lift)
    made = evolve(
        ready.made,
        verdict=Verdict.DEFER,
        blocks=(block,),
        binding=block.reason,
        earliest=until,
        flips=(lift,),
        terms=None,
    )
    return PutOff(ready.case.intent.id, made, until)


def with_host(case: Case, now: datetime) -> Case:
    """The case with the campaign that its provider must have, as far as is known."""
    there = case.hosting or ABSENT
    absent = there.hold is CampaignHold.ABSENT
    if there.hold is None or (there.until is None and not absent):
        return evolve(case, hosting=there)
    # Its provider is being asked: until it has answered, it takes nothing.
    soon = now + _ASKED_FOR
    until = max(there.until or soon, soon)
    return evolve(case, hosting=evolve(there, until=until))


def put_by(case: Case, made: Decision) -> PutOff:
    """How a decision not to send puts a message off."""
    elsewhere = rerouted(case, made)
    if elsewhere is not None:
        moved, channel = elsewhere
        return PutOff(case.intent.id, moved, made.at, to_channel=channel)
    until = made.earliest
    if made.verdict is Verdict.HOLD:
        until = made.at + LOOK_AGAIN
    elif made.verdict is Verdict.STOP:
        until = None
    elif made.binding in _CLOSES_MORE:
        # Not until this very message could go: others in the lane may go before.
        until = made.block.until or until
    budget = ""
    if made.binding is Reason.BUDGET_EXCEEDED:
        budget = dict(made.block.inputs)["budget"]
    return PutOff(case.intent.id, made, until, budget, _is_hosted(case, made))


def closes(case: Case, put: PutOff) -> object:
    """What a put-off stops: equal for messages that one of them stops all."""
    alone, hours = put.intent, case.window.zones
    match put.decision.binding:
        case _ if put.hosted:
            return "hosted", case.campaign, case.intent.step, hours
        case Reason.BREAKER_OPEN:
            return "breaker", case.campaign
        case Reason.OUTSIDE_WINDOW:
            return "window", hours, case.window.country
        case Reason.QUOTA_EXCEEDED if case.intent.send_class is SendClass.NEW:
            return "new contacts"
        case Reason.BUDGET_EXCEEDED if _is_of_many(put.budget):
            return put.budget, case.intent.send_class
        case _:
            return alone


def _is_of_many(budget: str) -> bool:
    """Whether it is of the lane, of a campaign, or of its whole account."""
    if is_plan(budget):
        return True
    return kind_of(budget) not in {BudgetKind.COMPANY, BudgetKind.DOMAIN}


def _is_hosted(case: Case, made: Decision) -> bool:
    """Whether its provider's campaign is what stops it, and all that belong there."""
    if case.hosting is None or made.verdict is Verdict.STOP:
        return False
    return made.block.flip.fact == "hosting.hold"
