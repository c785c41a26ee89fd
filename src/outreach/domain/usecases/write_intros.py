"""Have sentences about leads written, long before their messages are sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.analysis import Doubt
from outreach.domain.case import Case
from outreach.domain.ids import TenantId
from outreach.domain.intro import (
    PASSING,
    Asked,
    Intro,
    IntroState,
    Written,
    asked_for,
    intro_of,
)
from outreach.domain.sequence import MessageTemplate
from outreach.ports.campaigns import Campaigns
from outreach.ports.clock import Clock
from outreach.ports.intro_writer import IntroWriter
from outreach.ports.intros import Intros

__all__ = ["INTROS_EVERY", "ByHand", "WriteIntros", "Wrote"]

INTROS_EVERY: Final = timedelta(minutes=1)
"""How often it is looked for messages that want an intro."""

_AT_ONCE: Final = 20
_WITHIN: Final = timedelta(seconds=5)
"""Machine time after which no further one is begun: other duties wait meanwhile."""
_SOON: Final = timedelta(seconds=1)


@frozen
class Wrote:
    """What was done in one go.

    Attributes:
        proposed, unfit: intros that wait for a person's yes, or for a person to write.
        doubt: why it ended before its time; it may go on later.
        more: others are wanted, and nothing is in the way.
    """

    proposed: int = 0
    unfit: int = 0
    doubt: Doubt | None = None
    more: bool = False

    def and_then(self, later: Wrote) -> Wrote:
        """Both together."""
        return Wrote(
            self.proposed + later.proposed,
            self.unfit + later.unfit,
            later.doubt,
            later.more,
        )


@frozen
class ByHand:
    """Implements `outreach.ports.intro_writer.IntroWriter`, and leaves it to people."""

    async def write(self, asked: Asked, *, tenant: TenantId) -> Written:
        """Nothing: each becomes an intro that a person has to write."""
        del asked, tenant
        return Written()


@frozen
class WriteIntros:
    """Ahead of the sends and apart from them: no send waits for a model.

    Attributes:
        writer: None: nobody writes here, and people do.
    """

    intros: Intros
    campaigns: Campaigns
    clock: Clock
    writer: IntroWriter | None = None

    async def __call__(
        self,
        tenant: TenantId,
        most: int = _AT_ONCE,
        within: timedelta = _WITHIN,
    ) -> Wrote:
        """Write what is wanted first, at most *most*.

        Args:
            within: machine time after which no further one is begun.
        """
        began = self.clock.monotonic()
        if self.writer is None:
            return Wrote()
        cases = await self.intros.wanted(tenant, most)
        library = await self._library(tenant) if cases else ()
        states: list[IntroState] = []
        for case in cases:
            if self.clock.monotonic() - began >= within.total_seconds():
                break
            made = await self._write(tenant, self.writer, case, library)
            if isinstance(made, Doubt):
                return _wrote(states, made)
            if made is not None and await self.intros.keep(tenant, [made]):
                states.append(made.state)
        full = len(cases) == most or len(states) < len(cases)
        return _wrote(states, None, more=bool(states) and full)

    async def turn(self, tenant: TenantId, now: datetime) -> datetime | None:
        """As a duty: when to look again; None: nobody writes here."""
        if self.writer is None:
            return None
        wrote = await self(tenant)
        return now + (_SOON if wrote.more else INTROS_EVERY)

    async def _write(
        self,
        tenant: TenantId,
        writer: IntroWriter,
        case: Case,
        library: tuple[MessageTemplate, ...],
    ) -> Intro | Doubt | None:
        """What was written, or why nothing more can be written now."""
        if case.template is None or case.suppressions:
            return None
        asked = asked_for(case.template, case.fields)
        written = await writer.write(asked, tenant=tenant)
        if written is None:
            return None
        if written.doubt in PASSING:
            return written.doubt
        return intro_of(
            case.intent.id,
            case.intent.lead,
            case.template,
            asked,
            written,
            library=library,
            at=await self.clock.now(),
        )

    async def _library(self, tenant: TenantId) -> tuple[MessageTemplate, ...]:
        """What the tenant itself says."""
        found = await self.campaigns.templates(tenant)
        return tuple(text for one in found for text in one.texts)


def _wrote(
    states: list[IntroState], doubt: Doubt | None, *, more: bool = False
) -> Wrote:
    return Wrote(
        proposed=states.count(IntroState.PROPOSED),
        unfit=states.count(IntroState.UNFIT),
        doubt=doubt,
        more=more,
    )
