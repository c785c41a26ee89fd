"""What is noted of a world while it runs: when stops were committed, what was reached.

Watchers stand around the ports and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import define, evolve, field

from outreach.domain.budget import GuardCode
from outreach.domain.change import Done
from outreach.domain.channel import State
from outreach.domain.decision import Reason
from outreach.domain.event import EventType
from outreach.domain.ids import IntentId
from outreach.domain.message import Armed, Outcome, WhyNotArmed
from outreach.domain.suppression import BY_MAIL, SwitchScope
from outreach.domain.window import zone_info
from outreach.testing.judge_mail import Opened
from outreach.testing.simulation.parts import Parts

__all__ = ["REACHED", "watched"]

REACHED: Final = (
    "UNKNOWN then delivered",
    "UNKNOWN abandoned",
    "quota full then rebuilt",
    "NEED_REBUILD",
    "reply before SENT",
    "lease lost in a call",
    "T1 lost to an opt-out",
    "a late T2",
    "DST deferral",
    "late reply to DEAD",
    "ledger refused after the guard said OK",
    "duplicate webhook dropped",
    "commit unknown",
    "ban in a call",
    "many in one call",
    "answer for many lost",
    "a campaign was waited for",
    "mail came back",
    "a step went another way",
    "a reply by mail",
    "warm mail accepted",
    "warm mail went on",
    "repeated with its key",
    "a lost add repeated",
    "a link was followed",
    "T1 lost to a breaker",
    "the engine opened a breaker",
    "a campaign goes on",
    "the provider stops a campaign",
    "a stop not heard",
    "people told of a stop",
)
"""What must happen at least once in a run of many seeds, or the run proves little."""


def watched(parts: Parts) -> None:
    """Put a watcher around each port that tells something."""
    parts.intents = _Intents(parts.intents, parts)
    parts.guard = _Guard(parts.guard, parts)
    parts.journeys = _Journeys(parts.journeys, parts)
    parts.switches = _Switches(parts.switches, parts)
    parts.lanes = _Lanes(parts.lanes, parts)
    parts.stops = _Stops(parts.stops, parts)


@define(eq=False)
class _Around:
    """Everything that is not watched goes through."""

    port: Any
    parts: Parts

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.port, verb)


class _Intents(_Around):
    async def arm(self, claim: Any, drafts: Any) -> Any:
        verdicts = await self.port.arm(claim, drafts)
        for (draft, _), verdict in zip(drafts, verdicts, strict=True):
            if isinstance(verdict, Armed):
                journey = self.parts.store.journey(draft.lead)
                self.parts.states[verdict.attempt] = journey.state
            else:
                self.parts.seen[f"not armed: {verdict.why}"] += 1
                if verdict.why is WhyNotArmed.SUPPRESSED:
                    self.parts.seen["T1 lost to an opt-out"] += 1
                elif verdict.why is WhyNotArmed.QUOTA:
                    self.parts.seen["ledger refused after the guard said OK"] += 1
                elif verdict.detail.startswith(SwitchScope.CAMPAIGN):
                    self.parts.seen["T1 lost to a breaker"] += 1
        return verdicts

    async def settle(self, results: Any) -> Any:
        store, seen = self.parts.store, self.parts.seen
        for result in results:
            attempt = store.attempts.get(result.attempt)
            if attempt is None:
                continue
            if attempt.outcome is Outcome.UNKNOWN:
                seen["a late T2"] += 1
                if store.lanes[attempt.parcel.sender].token != result.token:
                    seen["lease lost in a call"] += 1
        return await self.port.settle(results)


@define(eq=False)
class _Guard(_Around):
    full: set[IntentId] = field(factory=set)

    async def reserve(self, asks: Any) -> Any:
        grants = await self.port.reserve(asks)
        seen = self.parts.seen
        for ask, grant in zip(asks, grants, strict=True):
            if grant.code is GuardCode.OK:
                if ask.rid in self.full:
                    seen["quota full then rebuilt"] += 1
                    self.full.discard(ask.rid)
                continue
            seen[str(grant.code)] += 1
            if grant.code is GuardCode.QUOTA_EXCEEDED:
                self.full.add(ask.rid)
        return grants


class _Journeys(_Around):
    async def commit(self, changes: Sequence[Any]) -> Any:
        store = self.parts.store
        before = [store.journey(change.lead).state for change in changes]
        done = await self.port.commit(changes)
        for change, state, became in zip(changes, before, done, strict=True):
            if became is not Done.DONE:
                continue
            if change.suppressions:
                _opted_out(self.parts, change.suppressions)
            heard = change.heard
            late = state is State.DEAD and heard is not None
            if late and heard.type is EventType.REPLY:
                self.parts.seen["late reply to DEAD"] += 1
        return done


class _Switches(_Around):
    async def suppress(self, tenant: Any, suppressions: Any) -> Any:
        new = await self.port.suppress(tenant, suppressions)
        _opted_out(self.parts, suppressions)
        return new

    async def throw(
        self, tenant: Any, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> Any:
        thrown = await self.port.throw(tenant, scope, of, reason=reason, by=by)
        opened = self.parts.opened
        new = not any(one.campaign == of and one.closed is None for one in opened)
        if scope is SwitchScope.CAMPAIGN and new:
            mail = thrown.by in BY_MAIL
            opened.append(Opened(of, self.parts.store.machine, mail=mail))
            if by == "engine":
                self.parts.seen["the engine opened a breaker"] += 1
        return thrown

    async def lift(
        self, tenant: Any, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> Any:
        lifted = await self.port.lift(tenant, scope, of, reason=reason, by=by)
        opened = self.parts.opened
        for place, one in enumerate(opened):
            if scope is SwitchScope.CAMPAIGN and one.campaign == of and not one.closed:
                opened[place] = evolve(one, closed=self.parts.store.machine)
        return lifted


class _Stops(_Around):
    async def get(self, tenant: Any, stop: Any) -> Any:
        found = await self.port.get(tenant, stop)
        if found is not None:
            # One that a person made needless is gone from the ledger afterwards.
            self.parts.stops_of[str(stop)] = found.about
        return found


def _opted_out(parts: Parts, suppressions: Sequence[Any]) -> None:
    for one in suppressions:
        parts.opted_out.setdefault(one.key.value, parts.store.machine)


class _Lanes(_Around):
    async def put_off(self, claim: Any, puts: Any, *, keep: bool = False) -> Any:
        for put in puts:
            made = put.decision
            self.parts.seen["a campaign was waited for"] += put.hosted
            self.parts.seen["a step went another way"] += put.to_channel is not None
            if made.binding is not Reason.OUTSIDE_WINDOW or put.until is None:
                continue
            row = self.parts.store.intents.get(put.intent)
            if row is None:
                continue
            zone = zone_info(row.window.zones[0])
            if (
                made.at.astimezone(zone).utcoffset()
                != put.until.astimezone(zone).utcoffset()
            ):
                self.parts.seen["DST deferral"] += 1
        return await self.port.put_off(claim, puts, keep=keep)
