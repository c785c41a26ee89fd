"""Decide stored events again by this version's rules, and show what differs.

It has nothing to write or send with: a `History`, which only reads, the readers and an
analyst. What only a provider or a model could tell stays as it was recorded.
"""

from __future__ import annotations

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Final

from attrs import define, evolve, field, frozen

from outreach.domain.analysis import Analysis, Reply
from outreach.domain.change import Known
from outreach.domain.errors import OutreachError
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EventId, TenantId
from outreach.domain.reaction import Received, react
from outreach.domain.replay import (
    Difference,
    EventStatus,
    Past,
    Then,
    Topic,
    made_differently,
    read_differently,
    unread,
)
from outreach.domain.review import ReviewCalendar
from outreach.domain.sequence import MessageTemplate
from outreach.domain.window import local_day
from outreach.ports.analyst import Analyst
from outreach.ports.gateway import Reads
from outreach.ports.past import History

__all__ = ["ReplayEvents", "Replayed"]

Templates = Callable[[TenantId], Awaitable[Sequence[MessageTemplate]]]
"""The active templates of a tenant."""

_PAGE: Final = 200
_REPLIES: Final = frozenset({EventType.REPLY, EventType.AUTO_REPLY})
_DEFECTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OutreachError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a reader or a rule that is broken raises; it is a difference like others."""


@frozen
class Replayed:
    """One event, decided again.

    Attributes:
        differences: none: this version would have decided the same.
        decided: it was applied to a lead, and the rules were asked again; else only
            its reading was compared.
    """

    past: Past
    differences: tuple[Difference, ...]
    decided: bool


@frozen
class ReplayEvents:
    """See the module.

    Attributes:
        readers: by provider.
        templates: the active ones of a tenant.
        analyst: the one that works by rules; what a model said is taken as recorded.
        unattended: tenants that let approved templates go out without a person.
        page: events held in memory at once.
    """

    history: History
    readers: Mapping[str, Reads]
    analyst: Analyst
    templates: Templates
    reviewers: ReviewCalendar
    unattended: Collection[TenantId] = ()
    page: int = _PAGE

    async def __call__(
        self,
        since: datetime,
        tell: Callable[[Replayed], None],
        *,
        provider: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Decide every event received since an engine time, in the order it came in.

        Args:
            tell: is told of each, as soon as its page is done.
            provider: of these alone.
            limit: no more than so many.
        """
        texts = _Texts(self.templates)
        last: EventId | None = None
        left = limit
        while left is None or left > 0:
            most = self.page if left is None else min(self.page, left)
            found = await self.history.page(since, last, most, provider=provider)
            for one in await self._replayed(found, texts):
                tell(one)
            if len(found) < most:
                return
            last = found[-1].id
            left = None if left is None else left - len(found)

    async def _replayed(
        self, page: Sequence[Past], texts: _Texts
    ) -> Sequence[Replayed]:
        """All that one page needs of the store is asked for at once."""
        read = [(past, self._read(past)) for past in page]
        there = [(p, e) for p, e in read if isinstance(e, SystemEvent)]
        then = await self.history.then(there)
        told = {past.id: one for (past, _), one in zip(there, then, strict=True)}
        made = []
        for past, event in read:
            if isinstance(event, Difference):
                made.append(Replayed(past, (event,), decided=False))
                continue
            known = told.get(past.id, Then())
            made.append(await self._again(past, event, known, texts))
        return made

    def _read(self, past: Past) -> SystemEvent | Difference | None:
        reader = self.readers.get(past.provider)
        if reader is None:
            return None
        try:
            events = reader.read(past.raw)
        except _DEFECTS as error:
            return unread(past, error)
        return next((one for one in events if one.key == past.key), None)

    async def _again(
        self, past: Past, event: SystemEvent | None, then: Then, texts: _Texts
    ) -> Replayed:
        differences = read_differently(past, event, then)
        if event is None or past.status is not EventStatus.APPLIED or not then.made:
            return Replayed(past, differences, decided=False)
        lead = None if then.known is None else then.known.journey.lead
        if then.known is None or lead != past.lead:
            led = Difference(Topic.LEAD, str(past.lead), str(lead or "nobody"))
            return Replayed(past, (*differences, led), decided=False)
        event = _whole(event, then)
        if event.type in _REPLIES and event.incomplete:
            return Replayed(past, differences, decided=False)
        try:
            change = react(then.known, await self._received(past, event, then, texts))
        except _DEFECTS as error:
            broke = Difference(Topic.RULES, "applied", f"raises {type(error).__name__}")
            return Replayed(past, (*differences, broke), decided=True)
        made = made_differently(event, then.made, change)
        return Replayed(past, (*differences, *made), decided=True)

    async def _received(
        self, past: Past, event: SystemEvent, then: Then, texts: _Texts
    ) -> Received:
        known = then.known
        if known is None or event.type not in _REPLIES:
            return Received(past.id, event, calendar=self.reviewers)
        said = None if then.made is None else then.made.said
        return Received(
            past.id,
            event,
            analysis=await self._analysis(event, known, then),
            templates=await texts.of(known),
            draft=None if said is None else said.draft,
            unattended=known.tenant in self.unattended,
            calendar=self.reviewers,
        )

    async def _analysis(self, event: SystemEvent, known: Known, then: Then) -> Analysis:
        fresh = await self.analyst.analyse(
            Reply(
                event.content,
                media=event.media,
                automatic=event.type is EventType.AUTO_REPLY,
            ),
            received_on=local_day(known.now, known.time_zone),
            tenant=known.tenant,
        )
        said = None if then.made is None else then.made.said
        was = None if said is None else said.analysis
        # No model is asked here, so what one has said stands.
        return fresh if was is None or _by_rules(was, fresh) else was


def _by_rules(was: Analysis, fresh: Analysis) -> bool:
    asked = was.raw or was.doubt is not None or was.down
    return not asked and was.by.partition("/")[0] == fresh.by.partition("/")[0]


def _whole(event: SystemEvent, then: Then) -> SystemEvent:
    """With the rest that was fetched from the provider then."""
    said = None if then.made is None else then.made.said
    if not event.incomplete or said is None:
        return event
    return evolve(event, content=said.content, subject=said.subject, incomplete=False)


@define
class _Texts:
    """The templates of each tenant, read once for the whole replay."""

    read: Templates
    _kept: dict[TenantId, Sequence[MessageTemplate]] = field(factory=dict, init=False)

    async def of(self, known: Known) -> tuple[MessageTemplate, ...]:
        """In the version that the lead gets."""
        if known.tenant not in self._kept:
            found = await self.read(known.tenant)
            self._kept[known.tenant] = found
        kept = self._kept[known.tenant]
        return tuple(one.for_lead(known.journey.lead) for one in kept)
