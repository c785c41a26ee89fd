"""Send of a lane that was claimed, or put off what cannot go.

One message; or several in one call, where the provider takes many at once: each has
its own decision, text, attempt and outcome, and all share the call.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.allowance import is_plan
from outreach.domain.budget import Grant, GuardCode, UnitSlot
from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision, Verdict, decide
from outreach.domain.errors import RetryLater, Unavailable
from outreach.domain.ids import AccountId, IntentId, LeadId
from outreach.domain.limits import SETTING, kind_of
from outreach.domain.message import (
    Answer,
    Armed,
    Left,
    NotAccepted,
    NotArmed,
    Result,
    WhyNotArmed,
)
from outreach.domain.outcome import (
    Ended,
    draft_of,
    limit_of,
    render,
    result_of,
    unsubscribe_link,
)
from outreach.domain.pacing import Backoff
from outreach.domain.review import ReviewCalendar
from outreach.domain.sender import SendClass
from outreach.domain.serving import serve_order
from outreach.domain.timing import Timing
from outreach.domain.usecases.hand_over import HandOver
from outreach.domain.usecases.ready import (
    LOOK_AGAIN,
    Ready,
    ask_for,
    closes,
    put_by,
    rebuilt_first,
    with_host,
)
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.domain.warming import limits_at
from outreach.domain.window import Window
from outreach.ports.calendar import Calendar
from outreach.ports.clock import Clock
from outreach.ports.gateway import Gateway, SendsMany
from outreach.ports.guard import Guard
from outreach.ports.intents import Intents
from outreach.ports.lanes import Claim, Lanes, PutOff
from outreach.ports.links import Links

__all__ = ["LOOK_AGAIN", "SendNext", "Step"]

_A_DAY: Final = timedelta(days=1)
_T2_TRIES: Final = 5
_NOT_OURS: Final = frozenset({WhyNotArmed.FENCED, WhyNotArmed.TAKEN})
_FULL: Final = frozenset({WhyNotArmed.QUOTA, WhyNotArmed.BUDGET})
_REPLIES: Final = frozenset({SendClass.APPROVED, SendClass.AI})
"""These go alone, also where many messages can go at once."""


class Step(StrEnum):
    """How a claim ended; of several messages in one call, how the first one did."""

    NOTHING = "NOTHING"
    PUT_OFF = "PUT_OFF"
    NOT_ARMED = "NOT_ARMED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    RELEASED = "RELEASED"
    UNKNOWN = "UNKNOWN"


@frozen
class SendNext:
    """CLAIM is done; then DECIDE, RENDER, RESERVE, T1, CALL, T2, SETTLE.

    Attributes:
        bulk: accounts that take many messages in one call.
        hosts: accounts that work by campaigns of their own: cold mail is added to one.
        links: signs the link by which a mail's reader is left alone; None: nothing
            does, and no mail goes out.
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
    bulk: Mapping[AccountId, SendsMany] = field(factory=dict)
    hosts: Collection[AccountId] = frozenset()
    links: Links | None = None

    async def __call__(self, claim: Claim, began: float) -> Step:
        """Send the best of *claim* that may go now: one message, or as many as one
        call takes and the provider lets travel together.

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
        ready, puts = self._choose(claim)
        if not ready:
            await self.lanes.put_off(claim, puts)
            return Step.PUT_OFF
        if puts:
            await self.lanes.put_off(claim, puts, keep=True)
        return await self._send(claim, began, ready)

    def _choose(self, claim: Claim) -> tuple[list[Ready], list[PutOff]]:
        """What goes now, in the order of its turns, and what cannot go."""
        most = claim.many if claim.account in self.bulk else 1
        cases = [self._complete(case, claim) for case in claim.cases]
        ready: list[Ready] = []
        puts: list[PutOff] = []
        leads = set[LeadId]()
        closed = set[object]()
        for case in serve_order(cases, claim.now, last_was_new=claim.last_was_new):
            if case.intent.lead in leads:
                continue
            one = self._decided(case, claim)
            if isinstance(one, PutOff):
                # What closes more than this message closes it for those behind it.
                of = closes(case, one)
                if of not in closed:
                    puts.append(one)
                    closed.add(of)
                continue
            if puts and most == 1:
                # What cannot go would keep its place at the head of its class, and
                # hold up those behind it for as long as another class has something
                # to send. A claim of many holds those behind it too.
                break
            if ready and one.draft.parcel.campaign != ready[0].draft.parcel.campaign:
                continue  # the provider takes one campaign a call: the next claim's
            ready.append(one)
            leads.add(case.intent.lead)
            if len(ready) == most or case.intent.send_class in _REPLIES:
                break
        return ready, puts

    def _decided(self, case: Case, claim: Claim) -> Ready | PutOff:
        made = self._decide(case, claim)
        if made.verdict is Verdict.SEND:
            text = render(case)
            if text is not None and case.sender is not None:
                draft = draft_of(case, case.sender, made, text)
                return Ready(case, case.sender, made, draft)
            made = self._decide(evolve(case, template=None), claim)
        return put_by(case, made)

    def _complete(self, case: Case, claim: Claim) -> Case:
        """With the holidays, the link of a mail, and the campaign that its provider
        must have.
        """
        case = self._with_link(self._with_holidays(case, claim.now))
        cold = case.intent.channel is Channel.EMAIL_COLD
        hosted = cold and claim.account in self.hosts
        return with_host(case, claim.now) if hosted else case

    def _with_link(self, case: Case) -> Case:
        wanted = unsubscribe_link(case)
        if wanted is None:
            return case
        link = "" if self.links is None else self.links.url(*wanted)
        return evolve(case, unsubscribe=link)

    def _with_holidays(self, case: Case, now: datetime) -> Case:
        """From a day back, for it may be last year there, as far as windows look."""
        window = case.window
        year = (now - _A_DAY).year
        days = self.calendar.holidays(window.country, year)
        later = self.calendar.holidays(window.country, year + 1)
        return evolve(case, window=_shut_on(window, days, later))

    def _decide(self, case: Case, claim: Claim) -> Decision:
        return decide(case, claim.now, margin=self.timing.call_budget)

    async def _send(self, claim: Claim, began: float, ready: list[Ready]) -> Step:
        try:
            grants = await self._reserve(claim, ready)
            puts = self._denied(claim, ready, grants)
            going = [
                one
                for one, grant in zip(ready, grants, strict=True)
                if grant.code is GuardCode.OK
            ]
            if puts:
                await self.lanes.put_off(claim, puts, keep=bool(going))
            if not going:
                return Step.PUT_OFF
            verdicts = await self.intents.arm(
                claim, [(one.draft, one.made) for one in going]
            )
        except Unavailable:
            # Nothing happened: the lane is still ours, and so is what we took. It is
            # given back first: whoever has the lane next may take it again.
            for one in ready:
                await self._give_back(one)
            await self.lanes.free(claim)
            raise
        answered = list(zip(going, verdicts, strict=True))
        armed = [
            (one, verdict) for one, verdict in answered if isinstance(verdict, Armed)
        ]
        step = await self._call(claim, began, armed) if armed else Step.NOT_ARMED
        for one, verdict in answered:
            if isinstance(verdict, NotArmed):
                await self._not_armed(claim, one, verdict, alone=not armed)
        return step

    async def _reserve(self, claim: Claim, ready: Sequence[Ready]) -> list[Grant]:
        """Ask the guard, for every send, and once more if the ledger may know more."""
        asks = [ask_for(claim, one) for one in ready]
        grants = list(await self.guard.reserve(asks))
        again = [n for n, one in enumerate(grants) if one.code is not GuardCode.OK]
        if again:
            # Missing, of another epoch, or fuller than the ledger: the ledger knows.
            await self._rebuild([ready[n] for n in again])
            retried = await self.guard.reserve([asks[n] for n in again])
            for n, grant in zip(again, retried, strict=True):
                grants[n] = grant
        return grants

    async def _rebuild(self, ready: Sequence[Ready]) -> None:
        slots = list(dict.fromkeys(one.slot for one in ready))
        keys = dict.fromkeys(share.key for one in ready for share in one.draft.shares)
        await self.guard.rebuild(await self.intents.units(slots, list(keys)))

    def _denied(
        self, claim: Claim, ready: Sequence[Ready], grants: Sequence[Grant]
    ) -> list[PutOff]:
        """What the guard refused: one put-off closes the lane for all it stops."""
        puts: dict[object, PutOff] = {}
        for one, grant in zip(ready, grants, strict=True):
            of: object = one.case.intent.id
            if grant.code is GuardCode.OK:
                continue
            if grant.code is GuardCode.NEED_REBUILD:
                puts[of] = rebuilt_first(claim, one)
                continue
            if one.case.intent.send_class is SendClass.NEW:
                of = grant.code, grant.budget
            if of not in puts:
                puts[of] = self._full(claim, one, grant.budget)
        return list(puts.values())

    def _full(self, claim: Claim, ready: Ready, budget: str = "") -> PutOff:
        """One put-off that closes the lane for what is full, not one per lead.

        Args:
            budget: key of the further budget that is full; empty: the units are.
        """
        case, ledger = ready.case, ready.case.ledger
        if ledger is not None and budget:
            limits = limits_at(ready.sender, claim.now)
            limit = getattr(limits, SETTING[kind_of(budget)])
            budgets = {**ledger.budgets, budget: limit}
            case = evolve(case, ledger=evolve(ledger, budgets=budgets))
        elif ledger is not None:
            limit = limit_of(ready.sender, claim.now)
            case = evolve(case, ledger=evolve(ledger, used=limit))
        return put_by(case, self._decide(case, claim))

    async def _not_armed(
        self, claim: Claim, ready: Ready, verdict: NotArmed, *, alone: bool
    ) -> None:
        """Follow T1's refusal.

        Args:
            alone: nothing was armed, so the lane is still to be closed.
        """
        if ready.draft.counted is None or verdict.why in _NOT_OURS:
            return
        # What the guard gave is not taken; if the ledger was fuller, it learns that.
        await self._give_back(ready)
        if verdict.why not in _FULL:
            return
        if is_plan(verdict.detail):
            return  # T1 has closed the account, and the guard knows of no plan
        await self._rebuild([ready])
        if alone:
            full = verdict.detail if verdict.why is WhyNotArmed.BUDGET else ""
            await self.lanes.put_off(claim, [self._full(claim, ready, full)])

    async def _call(
        self, claim: Claim, began: float, armed: Sequence[tuple[Ready, Armed]]
    ) -> Step:
        # Drawn before the call: nothing may fail between its answer and T2.
        gap = armed[0][0].sender.pacing.draw(self.rng)
        wait = self.backoff.wait(claim.backoffs + 1, self.rng)
        answers: Sequence[Answer]
        took = self.clock.monotonic() - began
        if took > self.timing.call_budget.total_seconds():
            # Our fault and not the provider's: no wait beyond the gap.
            says = "too late: nothing left the process"
            late = NotAccepted(True, says, timedelta(), ours=True)
            answers = [late] * len(armed)
        else:
            call = HandOver(self.gateways, self.bulk, self.watch.alerts, self.timing)
            answers = await call(claim.account, [one.draft.parcel for one, _ in armed])
        results = [
            result_of(
                one.case,
                Ended(
                    attempt=verdict.attempt,
                    token=claim.token,
                    answer=answer,
                    now=claim.now,
                    gap=gap,
                    wait=wait,
                    calendar=self.reviewers,
                ),
            )
            for (one, verdict), answer in zip(armed, answers, strict=True)
        ]
        results = _said_once(results)
        for left in await self._settle(results):
            if left.slot is not None and not left.spent:
                await self._release(left.intent, left.slot)
        for result in results:
            if result.signal is not None:
                # At once, before the lane's next turn; if this dies, T2 has left a
                # duty.
                await self.watch.said(claim.tenant, result.attempt)
        return Step(results[0].outcome.value)

    async def _settle(self, results: Sequence[Result]) -> list[Left]:
        for left in range(_T2_TRIES - 1, -1, -1):
            try:
                return list(await self.intents.settle(results))
            except RetryLater:
                # T2 is idempotent, so it may be asked again whatever became of it.
                if left == 0:
                    raise
        return []

    async def _give_back(self, ready: Ready) -> None:
        if ready.draft.counted is not None:
            await self._release(ready.draft.parcel.intent, ready.draft.counted)

    async def _release(self, rid: IntentId, slot: UnitSlot) -> None:
        try:
            await self.guard.release(rid, slot)
        except Unavailable:
            return  # best effort: the guard then holds a unit too many until rebuilt


def _said_once(results: Sequence[Result]) -> list[Result]:
    """What one call says of its sender, it says once."""
    said = set[object]()
    once: list[Result] = []
    for one in results:
        says = one.signal, one.signal_until
        once.append(evolve(one, signal=None) if says in said else one)
        said.add(says)
    return once


@lru_cache(maxsize=1_024)
def _shut_on(window: Window, days: frozenset[date], later: frozenset[date]) -> Window:
    """Kept: there are few windows, and each comes with every message."""
    return evolve(window, holidays=days | later)
