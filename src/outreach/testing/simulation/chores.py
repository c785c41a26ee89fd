"""What a worker does beside sending, and whether there is anything of it to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from outreach.adapters.memory import MemoryStore
from outreach.domain.ids import AccountId, Incarnation
from outreach.domain.usecases.audit_ledger import AuditLedger
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.host_campaigns import HostCampaigns
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.watch_breaker import WatchBreaker
from outreach.domain.usecases.watch_health import WatchHealth
from outreach.domain.usecases.watch_plans import WatchPlans
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.testing.invented import PROVIDER
from outreach.testing.simulation.parts import Parts
from outreach.testing.simulation.place import CAMPAIGNS

__all__ = ["Chores", "Gateways", "duties_of", "gateways_of"]


@frozen
class Gateways:
    """Provider accounts behind their seams, by what they can do.

    Attributes:
        send: every one; phones: those that list phones, and look up messages.
        hosts: of campaigns, which take many at once, and take back.
        repeats: that know a message they were given before.
    """

    send: Mapping[AccountId, Any]
    phones: Mapping[AccountId, Any]
    hosts: Mapping[AccountId, Any] = field(factory=dict)
    repeats: Mapping[AccountId, Any] = field(factory=dict)


def gateways_of(parts: Parts, seam: Callable[[Any], Any]) -> Gateways:
    """One seam around each provider."""
    of: dict[str, dict[AccountId, Any]] = {}
    for name, provider in {PROVIDER: parts.provider, **parts.mail}.items():
        behind = seam(provider)
        accounts = parts.store.accounts.values()
        of[name] = {one.id: behind for one in accounts if one.provider == name}
    return Gateways(
        send={name: one for some in of.values() for name, one in some.items()},
        phones=of[PROVIDER],
        hosts=of.get(CAMPAIGNS, {}),
        repeats={
            name: one for provider in parts.mail for name, one in of[provider].items()
        },
    )


def duties_of(
    parts: Parts,
    store: Mapping[str, Any],
    signal: SignalSender,
    watch: WatchSenders,
    guard: Any,
    gateways: Gateways,
) -> DoDuties:
    """Everything periodic, over ports behind their seams."""
    hosts, everybody = gateways.hosts, gateways.send
    return DoDuties(
        duties=store["duties"],
        dispatch=Dispatch(store["allocations"]),
        audit=AuditLedger(
            audit=store["audit"],
            intents=store["intents"],
            guard=guard,
            calendar=parts.calendar,
            signal=signal,
            alerts=parts.alerts,
        ),
        watch=watch,
        stops=CarryOutStops(store["stops"], hosts, everybody, parts.alerts),
        breakers=WatchBreaker(store["campaigns"], store["switches"], parts.alerts),
        hosting=HostCampaigns(store["hosted"], store["switches"], hosts, parts.alerts),
        winners=PickWinner(store["campaigns"], parts.alerts),
        journeys=store["journeys"],
        reviews=store["reviews"],
        senders=store["senders"],
        signal=signal,
        alerts=parts.alerts,
        polls={},
        lists=gateways.phones,
        plans=WatchPlans(store["bounds"], parts.alerts),
        health=WatchHealth(store["bounds"], parts.alerts),
    )


@define(eq=False)
class Chores:
    """Those that would find nothing change nothing, and are left out."""

    store: MemoryStore
    recovery: Recover
    take_in: Any
    look: LookForDoubts
    duties: DoDuties

    def due(self) -> list[Callable[[Incarnation], Awaitable[int]]]:
        """Those that have something to do."""
        store = self.store
        now, machine = store.now, store.machine
        found: list[Callable[[Incarnation], Awaitable[int]]] = []
        for name in store.calling:
            if store.attempts[name].deadline <= machine:
                found.append(self.recover)
                break
        for event in store.arrived.values():
            due = event.due_at
            if due is not None and due <= now and not store.leased(event.lease):
                found.append(self.take_in)
                break
        for name in store.unknown:
            doubt = store.attempts[name]
            look = doubt.next_look
            if look is not None and look <= now and not store.leased(doubt.lease):
                found.append(self.look)
                break
        for row in store.duties.values():
            if row.duty.due_at <= now and not store.leased(row.lease):
                found.append(self.duties)
                break
        return found

    async def recover(self, who: Incarnation) -> int:
        """No lease is taken by it."""
        del who
        return await self.recovery()
