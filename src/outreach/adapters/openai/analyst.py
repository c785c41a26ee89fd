"""Reads replies with a model: the rules first, the model second, a person in doubt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from hashlib import blake2b
from typing import Final

from attrs import field, frozen

from outreach.adapters.openai.model import Failure, Model
from outreach.adapters.openai.prompt import VERSION, about_reply
from outreach.adapters.openai.structure import NotAsAsked, storable, structured
from outreach.domain.analysis import Analysis, Doubt, Reply
from outreach.domain.errors import OutreachError
from outreach.domain.ids import TenantId
from outreach.domain.injection import suspicion
from outreach.domain.reply_text import readable
from outreach.domain.verdict import Verdict, doubted, settled_by_rules, weighed
from outreach.ports.analyst import Analyst
from outreach.ports.model_budget import ModelBudget

__all__ = ["ModelAnalyst"]

_REMEMBERED: Final = 512
"""Answers kept, so that a reply that is applied again is not asked about again."""


@frozen
class ModelAnalyst:
    """Implements `outreach.ports.analyst.Analyst`.

    Whatever goes wrong, the rules' answer is given with a doubt, and nothing
    automatic comes of it.

    Attributes:
        rules: are asked first, and stand where the model is not asked or believed.
        tenant: whose model it is; what others receive is read by the rules alone.
        nonce: a random number (hexadecimal) for the markers around a reply.
        suspects: says what makes a reply look like instructions, None if nothing.
    """

    rules: Analyst
    model: Model
    budget: ModelBudget
    tenant: TenantId
    nonce: Callable[[], str]
    suspects: Callable[[str], str | None] = suspicion
    _known: OrderedDict[bytes, Analysis] = field(factory=OrderedDict, repr=False)

    @property
    def name(self) -> str:
        """Of provider, model and prompt, as analyses name it."""
        return f"openai/{self.model.name}/{VERSION}"

    async def analyse(
        self, reply: Reply, *, received_on: date, tenant: TenantId
    ) -> Analysis:
        """See `outreach.ports.analyst`."""
        found = await self.rules.analyse(reply, received_on=received_on, tenant=tenant)
        if tenant != self.tenant or reply.automatic or settled_by_rules(found):
            return found
        own = readable(reply.text)
        if not own.text:
            return found
        if own.hidden or self.suspects(reply.text) or self.suspects(own.text):
            return doubted(found, Doubt.SUSPECT, by=self.name)
        if own.cut:
            return doubted(found, Doubt.TOO_LONG, by=self.name)
        key = _key(reply, received_on)
        if key in self._known:
            return self._known[key]
        analysis = await self._asked(own.text, found)
        if not analysis.down:
            self._known[key] = analysis
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return analysis

    async def _asked(self, text: str, found: Analysis) -> Analysis:
        if self.model.rests:
            return doubted(found, Doubt.UNREACHABLE, by=self.name)
        if not await self._may_call():
            return doubted(found, Doubt.BUDGET, by=self.name)
        answer = await self.model.ask(about_reply(text, self.nonce()))
        if isinstance(answer, Failure):
            raw = storable(answer.raw)
            return doubted(found, answer.doubt, by=self.name, raw=raw)
        raw = storable(answer.content)
        try:
            verdict = structured(answer.content, Verdict)
        except NotAsAsked:
            return doubted(found, Doubt.UNREADABLE, by=self.name, raw=raw)
        return weighed(verdict, found, by=self.name, raw=raw)

    async def _may_call(self) -> bool:
        try:
            return await self.budget.take(self.tenant)
        except OutreachError:
            # Nobody knows how much is left: that is none.
            return False


def _key(reply: Reply, received_on: date) -> bytes:
    said = f"{received_on}\x00{reply.media}\x00{reply.text}"
    return blake2b(said.encode("utf-8", "replace"), digest_size=16).digest()
