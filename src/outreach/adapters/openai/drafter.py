"""Drafts answers with a model: a template of those offered, and its slots."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from outreach.adapters.openai.model import Failure, Model
from outreach.adapters.openai.prompt import VERSION, for_draft
from outreach.adapters.openai.structure import NotAsAsked, storable, structured
from outreach.domain.analysis import Doubt
from outreach.domain.drafting import Draft, Request, kept
from outreach.domain.errors import OutreachError
from outreach.domain.ids import TenantId
from outreach.domain.reply_text import readable
from outreach.ports.model_budget import ModelBudget

__all__ = ["ModelDrafter"]

_REMEMBERED: Final = 128
"""Drafts kept, so that a reply that is applied again is not drafted to again."""


@frozen
class _Slot:
    slot: str
    text: str


@frozen
class _Answer:
    template: str | None
    slots: list[_Slot]
    suggestion: str


@frozen
class ModelDrafter:
    """Implements `outreach.ports.drafter.Drafter`.

    Attributes:
        tenant: whose model it is; for others nothing is drafted.
        nonce: a random number (hexadecimal) for the markers around a reply.
    """

    model: Model
    budget: ModelBudget
    tenant: TenantId
    nonce: Callable[[], str]
    _known: OrderedDict[Request, Draft] = field(factory=OrderedDict, repr=False)

    @property
    def name(self) -> str:
        """Of provider, model and prompt."""
        return f"openai/{self.model.name}/{VERSION}"

    async def draft(self, request: Request, *, tenant: TenantId) -> Draft | None:
        """See `outreach.ports.drafter`."""
        own = readable(request.reply)
        if tenant != self.tenant or not request.offered or not own.text:
            return None
        shown = Request(own.text, request.language, request.offered)
        if shown in self._known:
            return self._known[shown]
        made = await self._asked(shown)
        if made.doubt is None:
            self._known[shown] = made
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return made

    async def _asked(self, shown: Request) -> Draft:
        if self.model.rests:
            return Draft(by=self.name, doubt=Doubt.UNREACHABLE)
        if not await self._may_call():
            return Draft(by=self.name, doubt=Doubt.BUDGET)
        answer = await self.model.ask(for_draft(shown, self.nonce()))
        if isinstance(answer, Failure):
            return Draft(by=self.name, doubt=answer.doubt, raw=storable(answer.raw))
        raw = storable(answer.content)
        try:
            read = structured(answer.content, _Answer)
        except NotAsAsked:
            return Draft(by=self.name, doubt=Doubt.UNREADABLE, raw=raw)
        slots = {one.slot: one.text for one in read.slots}
        if len(slots) != len(read.slots):
            return Draft(by=self.name, doubt=Doubt.INCONSISTENT, raw=raw)
        made = Draft(read.template, slots, read.suggestion, by=self.name, raw=raw)
        return kept(made, shown)

    async def _may_call(self) -> bool:
        try:
            return await self.budget.take(self.tenant)
        except OutreachError:
            return False
