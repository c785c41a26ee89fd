"""A provider that works by campaigns of its own, and errs when it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from attrs import define, evolve, field, frozen

from outreach.adapters.memory.gateway import MemoryGateway, Mishap
from outreach.domain.errors import Unavailable
from outreach.domain.message import Accepted, Answer, Parcel, Refusal, Refused
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import Again, Held, Running

__all__ = ["Kept", "MemoryCampaignGateway"]


class Kept(Enum):
    """What the provider keeps of the plan it is given."""

    AS_ASKED = auto()
    OTHERWISE = auto()
    """It takes it, and keeps something else."""


@frozen
class _Campaign:
    ref: str
    name: str
    plan: CampaignPlan | None
    hold: CampaignHold | None = CampaignHold.DRAFT


@define(eq=False)
class MemoryCampaignGateway(MemoryGateway):
    """Implements `RunsCampaigns`, and sends only what belongs to one that is there.

    Attributes:
        keeps: what becomes of a plan.
        campaigns: what it has, by its own ids, which count from 1.
        counted: what it has counted, by its own ids.
        hears: mishaps of the writes that follow, one each.
    """

    keeps: Kept = Kept.AS_ASKED
    campaigns: dict[str, _Campaign] = field(factory=dict, init=False)
    counted: dict[str, CampaignCounts] = field(factory=dict, init=False)
    hears: list[Mishap] = field(factory=list, init=False)

    @property
    def started(self) -> list[str]:
        """Names of the campaigns that send."""
        return [one.name for one in self.campaigns.values() if one.hold is None]

    def make(self, plan: CampaignPlan) -> str:
        """Somebody else makes a campaign of that name; its id."""
        ref = f"k-{len(self.campaigns) + 1}"
        kept = plan if self.keeps is Kept.AS_ASKED else None
        self.campaigns[ref] = _Campaign(ref, plan.name, kept)
        return ref

    def hold(self, ref: str, why: CampaignHold | None) -> None:
        """The provider stops a campaign, or starts it again."""
        self.campaigns[ref] = evolve(self.campaigns[ref], hold=why)

    async def ensure(self, plan: CampaignPlan, ref: str = "") -> Running | Held | Again:
        """See `RunsCampaigns.ensure`."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            return Again("not connected")
        there = self.campaigns.get(ref) or self._named(plan.name)
        if there is None:
            mishap = self.hears.pop(0) if self.hears else None
            if mishap is Mishap.LOST_ON_THE_WAY or mishap is Mishap.NOT_CONNECTED:
                return Again("no answer")
            there = self.campaigns[self.make(plan)]
            if mishap is not None:
                return Again("no answer")
        if there.hold is CampaignHold.DRAFT:
            if there.plan != plan:
                return Held(
                    there.ref, CampaignHold.OTHER, "it is not as it was planned"
                )
            self.hold(there.ref, None)
        return self._state(there.ref)

    async def state(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.state`."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            return Again("not connected")
        return self._state(ref)

    async def resume(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.resume`; what it suspended stays so."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            return Again("not connected")
        there = self.campaigns.get(ref)
        if there is not None and there.hold is not CampaignHold.SUSPENDED:
            self.hold(ref, None)
            self.paused.discard(ref)
        return self._state(ref)

    async def counts(self, refs: Sequence[str]) -> Sequence[CampaignCounts]:
        """See `RunsCampaigns.counts`."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            msg = "the provider in memory was told not to answer"
            raise Unavailable(msg)
        return [self.counted[ref] for ref in refs if ref in self.counted]

    def _meet(self, parcel: Parcel, coming: Answer | Mishap) -> Answer:
        if parcel.campaign not in self.campaigns and isinstance(coming, Accepted):
            return Refused(Refusal.REJECTED, detail="no such campaign")
        return super()._meet(parcel, coming)

    def _carry_out(self, stop: Stop) -> None:
        super()._carry_out(stop)
        if stop.kind is StopKind.PAUSE and stop.ref in self.campaigns:
            self.hold(stop.ref, CampaignHold.PAUSED)

    def _state(self, ref: str) -> Running | Held | Again:
        there = self.campaigns.get(ref)
        if there is None:
            return Held(ref, CampaignHold.ABSENT, "there is no such campaign")
        if there.hold is None:
            return Running(ref)
        return Held(ref, there.hold, there.hold.lower())

    def _named(self, name: str) -> _Campaign | None:
        return next((c for c in self.campaigns.values() if c.name == name), None)
