"""What is noted of a world while it runs: when stops were committed, what was reached.

Watchers stand around the ports and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field

from outreach.domain.budget import GuardCode
from outreach.domain.change import Done
from outreach.domain.channel import State
from outreach.domain.decision import Reason
from outreach.domain.event import EventType
from outreach.domain.ids import IntentId
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.domain.window import zone_info
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
)
"""What must happen at least once in a run of many seeds, or the run proves little."""


def watched(parts: Parts) -> None:
    """Put a watcher around each port that tells something."""
    parts.intents = _Intents(parts.intents, parts)
    parts.guard = _Guard(parts.guard, parts)
    parts.journeys = _Journeys(parts.journeys, parts)
    parts.switches = _Switches(parts.switches, parts)
    parts.lanes = _Lanes(parts.lanes, parts)


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
        for verdict in verdicts:
            if isinstance(verdict, NotArmed):
                self.parts.seen[f"not armed: {verdict.why}"] += 1
                if verdict.why is WhyNotArmed.SUPPRESSED:
                    self.parts.seen["T1 lost to an opt-out"] += 1
                elif verdict.why is WhyNotArmed.QUOTA:
                    self.parts.seen["ledger refused after the guard said OK"] += 1
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


def _opted_out(parts: Parts, suppressions: Sequence[Any]) -> None:
    for one in suppressions:
        parts.opted_out.setdefault(one.key.value, parts.store.machine)


class _Lanes(_Around):
    async def put_off(self, claim: Any, puts: Any, *, keep: bool = False) -> Any:
        for put in puts:
            made = put.decision
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
