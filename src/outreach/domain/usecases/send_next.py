"""Send one message of a lane that was claimed, or put off what cannot go."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import evolve, frozen

from outreach.domain.budget import Ask, Grant, GuardCode, UnitSlot
from outreach.domain.case import Case, Flip
from outreach.domain.channel import Channel
from outreach.domain.decision import Block, Decision, Reason, Verdict, decide
from outreach.domain.errors import ChannelSegregationError, RetryLater, Unavailable
from outreach.domain.ids import AccountId, IntentId
from outreach.domain.limits import SETTING, kind_of
from outreach.domain.message import (
    Answer,
    Armed,
    Draft,
    Left,
    NotAccepted,
    NotArmed,
    Parcel,
    Result,
    UnknownOutcome,
    WhyNotArmed,
)
from outreach.domain.outcome import (
    Ended,
    draft_of,
    limit_of,
    render,
    rerouted,
    result_of,
)
from outreach.domain.pacing import Backoff
from outreach.domain.provider_campaign import ABSENT, CampaignHold
from outreach.domain.review import ReviewCalendar
from outreach.domain.sender import Sender, SenderSignal
from outreach.domain.serving import serve_order
from outreach.domain.timing import Timing
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.domain.window import Window, local_day, next_midnight
from outreach.ports.alerts import Alert
from outreach.ports.calendar import Calendar
from outreach.ports.clock import Clock
from outreach.ports.gateway import Gateway
from outreach.ports.guard import Guard
from outreach.ports.intents import Intents
from outreach.ports.lanes import Claim, Lanes, PutOff

__all__ = ["LOOK_AGAIN", "SendNext", "Step"]

LOOK_AGAIN: Final = timedelta(hours=1)
"""A message that only a person or an event can lift is looked at again then."""

_A_DAY: Final = timedelta(days=1)
_IN_A_MOMENT: Final = timedelta(seconds=5)
_ASKED_FOR: Final = timedelta(minutes=1)
_T2_TRIES: Final = 5
_NOT_OURS: Final = frozenset({WhyNotArmed.FENCED, WhyNotArmed.TAKEN})
_CLOSES_MORE: Final = frozenset(
    {Reason.QUOTA_EXCEEDED, Reason.BUDGET_EXCEEDED, Reason.OUTSIDE_WINDOW}
)
"""These close a class, a window or all of the lane, and not one message."""


class Step(StrEnum):
    """How a claim ended."""

    NOTHING = "NOTHING"
    PUT_OFF = "PUT_OFF"
    NOT_ARMED = "NOT_ARMED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    RELEASED = "RELEASED"
    UNKNOWN = "UNKNOWN"


@frozen
class _Ready:
    """A message that was decided to be sent, with its text."""

    case: Case
    sender: Sender
    made: Decision
    text: str


@frozen
class SendNext:
    """CLAIM is done; then DECIDE, RENDER, RESERVE, T1, CALL, T2, SETTLE.

    Attributes:
        hosts: accounts that work by campaigns of their own: cold mail is added to one.
    """

    lanes: Lanes
    intents: Intents
    guard: Guard
    gateways: Mapping[AccountId, Gateway]
    calendar: Calendar
    clock: Clock
    watch: WatchSenders
    reviewers: ReviewCalendar
    rng: random.Random
    timing: Timing = Timing()
    backoff: Backoff = Backoff()
    hosts: Collection[AccountId] = frozenset()

    async def __call__(self, claim: Claim, began: float) -> Step:
        """Send the best message of *claim* that may go now.

        Args:
            claim: the lane, its token and its candidates.
            began: monotonic time when the claim was asked for.

        Raises:
            Unavailable: a store did not answer; the lane is free or will be.
            AnswerLost: T1 or T2 may have happened; recovery settles it.
        """
        if not claim.cases:
            await self.lanes.free(claim)
            return Step.NOTHING
        cases = [self._complete(case, claim) for case in claim.cases]
        puts: list[PutOff] = []
        for case in serve_order(cases, claim.now, last_was_new=claim.last_was_new):
            made = self._decide(case, claim)
            if made.verdict is Verdict.SEND:
                text = render(case)
                if text is not None and case.sender is not None:
                    if puts:
                        # What cannot go would keep its place at the head of its
                        # class, and hold up those behind it for as long as
                        # another class has something to send.
                        break
                    ready = _Ready(case, case.sender, made, text)
                    return await self._send(claim, began, ready)
                made = self._decide(evolve(case, template=None), claim)
            puts.append(_put(case, made))
        await self.lanes.put_off(claim, puts)
        return Step.PUT_OFF

    def _complete(self, case: Case, claim: Claim) -> Case:
        """With the holidays, and with the campaign that its provider must have."""
        case = self._with_holidays(case, claim.now)
        cold = case.intent.channel is Channel.EMAIL_COLD
        if not cold or claim.account not in self.hosts:
            return case
        there = case.hosting or ABSENT
        absent = there.hold is CampaignHold.ABSENT
        if there.hold is None or (there.until is None and not absent):
            return evolve(case, hosting=there)
        # Its provider is being asked: until it has answered, it takes nothing.
        soon = claim.now + _ASKED_FOR
        until = max(there.until or soon, soon)
        return evolve(case, hosting=evolve(there, until=until))

    def _with_holidays(self, case: Case, now: datetime) -> Case:
        """From a day back, for it may be last year there, as far as windows look."""
        window = case.window
        year = (now - _A_DAY).year
        days = self.calendar.holidays(window.country, year)
        later = self.calendar.holidays(window.country, year + 1)
        return evolve(case, window=_shut_on(window, days, later))

    def _decide(self, case: Case, claim: Claim) -> Decision:
        return decide(case, claim.now, margin=self.timing.call_budget)

    async def _send(self, claim: Claim, began: float, ready: _Ready) -> Step:
        draft = draft_of(ready.case, ready.sender, ready.made, ready.text)
        try:
            grant = await self._reserve(claim, ready, draft)
            if grant.code is not GuardCode.OK:
                await self.lanes.put_off(claim, [self._denied(claim, ready, grant)])
                return Step.PUT_OFF
            (verdict,) = await self.intents.arm(claim, [(draft, ready.made)])
        except Unavailable:
            # Nothing happened: the lane is still ours, and so is what we took. It is
            # given back first: whoever has the lane next may take it again.
            if draft.counted is not None:
                await self._release(draft.parcel.intent, draft.counted)
            await self.lanes.free(claim)
            raise
        if isinstance(verdict, NotArmed):
            await self._not_armed(claim, ready, draft, verdict)
            return Step.NOT_ARMED
        return await self._call(claim, began, ready, draft, verdict)

    async def _reserve(self, claim: Claim, ready: _Ready, draft: Draft) -> Grant:
        """Ask the guard, for every send, and once more if the ledger may know more."""
        zone = ready.sender.time_zone
        slot = draft.counted or UnitSlot(ready.sender.id, local_day(claim.now, zone))
        external = 0 if ready.case.ledger is None else ready.case.ledger.external
        ask = Ask(
            rid=ready.case.intent.id,
            slot=slot,
            cost=0 if draft.unit is None else 1,
            limit=max(0, draft.limit - external),
            epoch=claim.epoch,
            expires_in=next_midnight(claim.now, zone) - claim.now,
            budgets=tuple(one.asked(claim.now) for one in draft.shares),
        )
        (grant,) = await self.guard.reserve([ask])
        if grant.code is not GuardCode.OK:
            # Missing, of another epoch, or fuller than the ledger: the ledger knows.
            await self._rebuild(draft, slot)
            (grant,) = await self.guard.reserve([ask])
        return grant

    async def _rebuild(self, draft: Draft, slot: UnitSlot) -> None:
        keys = [one.key for one in draft.shares]
        await self.guard.rebuild(await self.intents.units([slot], keys))

    def _denied(self, claim: Claim, ready: _Ready, grant: Grant) -> PutOff:
        if grant.code is not GuardCode.NEED_REBUILD:
            return self._full(claim, ready, grant.budget)
        # The ledger has another epoch by now, and the next claim will know it.
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

    def _full(self, claim: Claim, ready: _Ready, budget: str = "") -> PutOff:
        """One put-off that closes the lane for what is full, not one per lead.

        Args:
            budget: key of the further budget that is full; empty: the units are.
        """
        case, ledger = ready.case, ready.case.ledger
        if ledger is not None and budget:
            limit = getattr(ready.sender.limits, SETTING[kind_of(budget)])
            budgets = {**ledger.budgets, budget: limit}
            case = evolve(case, ledger=evolve(ledger, budgets=budgets))
        elif ledger is not None:
            limit = limit_of(ready.sender, claim.now)
            case = evolve(case, ledger=evolve(ledger, used=limit))
        return _put(case, self._decide(case, claim))

    async def _not_armed(
        self, claim: Claim, ready: _Ready, draft: Draft, verdict: NotArmed
    ) -> None:
        slot = draft.counted
        if slot is None or verdict.why in _NOT_OURS:
            return
        # What the guard gave is not taken; if the ledger was fuller, it learns that.
        await self._release(ready.case.intent.id, slot)
        if verdict.why is WhyNotArmed.QUOTA:
            await self._rebuild(draft, slot)
            await self.lanes.put_off(claim, [self._full(claim, ready)])
        elif verdict.why is WhyNotArmed.BUDGET:
            await self._rebuild(draft, slot)
            put = self._full(claim, ready, verdict.detail)
            await self.lanes.put_off(claim, [put])

    async def _call(
        self, claim: Claim, began: float, ready: _Ready, draft: Draft, armed: Armed
    ) -> Step:
        answer: Answer
        # Drawn before the call: nothing may fail between its answer and T2.
        gap = ready.sender.pacing.draw(self.rng)
        wait = self.backoff.wait(claim.backoffs + 1, self.rng)
        late = self.clock.monotonic() - began
        if late > self.timing.call_budget.total_seconds():
            # Our fault and not the provider's: no wait beyond the gap.
            says = "too late: nothing left the process"
            answer = NotAccepted(lane=True, detail=says, retry_after=timedelta())
        else:
            answer = await self._hand_over(claim.account, draft.parcel)
        result = result_of(
            ready.case,
            Ended(
                attempt=armed.attempt,
                token=claim.token,
                answer=answer,
                now=claim.now,
                gap=gap,
                wait=wait,
                calendar=self.reviewers,
            ),
        )
        for left in await self._settle(result):
            if left.slot is not None and not left.spent:
                await self._release(left.intent, left.slot)
        if result.signal is not None:
            # At once, before the lane's next turn; if this dies, T2 has left a duty.
            await self.watch.said(claim.tenant, result.attempt)
        return Step(result.outcome.value)

    async def _hand_over(self, account: AccountId, parcel: Parcel) -> Answer:
        gateway = self.gateways.get(account)
        if gateway is None:
            return NotAccepted(lane=True, detail="no gateway for this account")
        try:
            return await gateway.send(parcel, self.timing.call + self.timing.connect)
        except ChannelSegregationError as error:
            return await self._segregated(parcel, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, it may have left
            return UnknownOutcome(f"defect in the gateway: {type(error).__name__}")

    async def _segregated(self, parcel: Parcel, says: str) -> Answer:
        """A warm account was given a cold lead, or the other way (INV-8): nothing has
        left, and nothing more does by this sender until a person has looked.
        """
        alert = Alert("segregation.violation", str(parcel.sender), says)
        await self.watch.alerts.raise_(alert)
        return NotAccepted(lane=True, detail=says, signal=SenderSignal.PAUSE)

    async def _settle(self, result: Result) -> list[Left]:
        for left in range(_T2_TRIES - 1, -1, -1):
            try:
                return list(await self.intents.settle([result]))
            except RetryLater:
                # T2 is idempotent, so it may be asked again whatever became of it.
                if left == 0:
                    raise
        return []

    async def _release(self, rid: IntentId, slot: UnitSlot) -> None:
        try:
            await self.guard.release(rid, slot)
        except Unavailable:
            return  # best effort: the guard then holds a unit too many until rebuilt


@lru_cache(maxsize=1_024)
def _shut_on(window: Window, days: frozenset[date], later: frozenset[date]) -> Window:
    """Kept: there are few windows, and each comes with every message."""
    return evolve(window, holidays=days | later)


def _put(case: Case, made: Decision) -> PutOff:
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


def _is_hosted(case: Case, made: Decision) -> bool:
    """Whether its provider's campaign is what stops it, and all that belong there."""
    if case.hosting is None or made.verdict is Verdict.STOP:
        return False
    return made.block.flip.fact == "hosting.hold"
