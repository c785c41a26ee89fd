"""Writes sentences about leads with a model, from the facts of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from outreach.adapters.openai.model import Failure, Model
from outreach.adapters.openai.prompt import INTRO_VERSION, for_intro
from outreach.adapters.openai.structure import NotAsAsked, storable, structured
from outreach.domain.analysis import Doubt
from outreach.domain.errors import OutreachError
from outreach.domain.ids import TenantId
from outreach.domain.intro import Asked, Written, suspect
from outreach.ports.model_budget import ModelBudget

__all__ = ["ModelIntroducer"]


@frozen
class _Answer:
    intro: str


@frozen
class ModelIntroducer:
    """Implements `outreach.ports.intro_writer.IntroWriter`.

    Attributes:
        tenant: whose model it is; for others nothing is written.
        nonce: a random number (hexadecimal) for the markers around the facts.
        suspects: whether a row seems to instruct its reader; then no model is asked.
    """

    model: Model
    budget: ModelBudget
    tenant: TenantId
    nonce: Callable[[], str]
    suspects: Callable[[Asked], bool] = suspect

    @property
    def name(self) -> str:
        """Of provider, model and prompt."""
        return f"openai/{self.model.name}/{INTRO_VERSION}"

    async def write(self, asked: Asked, *, tenant: TenantId) -> Written | None:
        """See `outreach.ports.intro_writer`."""
        if tenant != self.tenant:
            return None
        shown = Asked(_sound(asked.facts), asked.language, _whole(asked.around))
        if not shown.facts:
            return Written(by=self.name)
        if self.suspects(shown):
            return Written(by=self.name, doubt=Doubt.SUSPECT)
        if self.model.rests:
            return Written(by=self.name, doubt=Doubt.UNREACHABLE)
        if not await self._may_call():
            return Written(by=self.name, doubt=Doubt.BUDGET)
        answer = await self.model.ask(for_intro(shown, self.nonce()))
        if isinstance(answer, Failure):
            return Written(by=self.name, doubt=answer.doubt, raw=storable(answer.raw))
        raw = storable(answer.content)
        try:
            read = structured(answer.content, _Answer)
        except NotAsAsked:
            return Written(by=self.name, doubt=Doubt.UNREADABLE, raw=raw)
        return Written(read.intro, by=self.name, raw=raw)

    async def _may_call(self) -> bool:
        try:
            return await self.budget.take(self.tenant)
        except OutreachError:
            # Nobody knows how much is left: that is none.
            return False


def _sound(facts: Mapping[str, str]) -> dict[str, str]:
    return {_whole(name): _whole(value) for name, value in facts.items()}


def _whole(text: str) -> str:
    """Without halves of characters, which no request can hold."""
    return text.encode("utf-8", "replace").decode()
