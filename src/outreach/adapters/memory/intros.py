"""Sentences about leads, over one truth in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from outreach.adapters.memory.cases import case_of
from outreach.adapters.memory.rows import IntentRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.case import Case
from outreach.domain.decision import Reason
from outreach.domain.errors import NotFound
from outreach.domain.ids import IntroId, LeadId, TenantId
from outreach.domain.intro import Intro, IntroState, may_introduce
from outreach.domain.sequence import EnrolmentStatus
from outreach.ports.intros import IntroDecision, IntroView, Kept

__all__ = ["MemoryIntros"]

_WAITING: Final = frozenset({Standing.WAITING, Standing.HELD})
_FOR_PEOPLE: Final = frozenset({IntroState.PROPOSED, IntroState.UNFIT})
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@frozen
class MemoryIntros:
    """Implements `outreach.ports.intros.Intros`."""

    store: MemoryStore

    async def wanted(self, tenant: TenantId, limit: int) -> Sequence[Case]:
        """Every message that waits is looked at."""
        await self.store.pause()
        cases = [
            case_of(self.store, row)
            for row in self.store.intents.values()
            if row.intent.tenant == tenant and self._may_have_one(row)
        ]
        wanted = [
            case
            for case in cases
            if case.enrolment is EnrolmentStatus.ACTIVE
            and case.template is not None
            and case.template.approved
            and may_introduce(case.template)
            and case.proposed is None
        ]
        wanted.sort(key=lambda case: (case.intent.due_at, case.intent.id))
        return wanted[:limit]

    def _may_have_one(self, row: IntentRow) -> bool:
        intent, journey = row.intent, self.store.journey(row.intent.lead)
        waits = row.standing is Standing.WAITING and not row.attempts
        alone = journey.opted_out or journey.human_controlled
        return waits and not intent.text and not alone

    async def keep(self, tenant: TenantId, intros: Sequence[Intro]) -> int:
        """The first of a text stays."""
        await self.store.pause()
        kept = 0
        for one in intros:
            ours = self.store.lead_tenants.get(one.lead) == tenant
            if ours and one.id not in self.store.agreed.intros:
                self.store.agreed.intros[one.id] = one
                kept += 1
        return kept

    async def decide(
        self, tenant: TenantId, decisions: Sequence[IntroDecision]
    ) -> Sequence[Kept]:
        """One after the other."""
        await self.store.pause()
        return [self._decide(tenant, one) for one in decisions]

    def _decide(self, tenant: TenantId, one: IntroDecision) -> Kept:
        store, after = self.store, one.after
        there = self._of(tenant).get(after.id)
        frozen_ = there is not None and there.state is IntroState.APPROVED
        if there is None or frozen_ or _shown(there) != _shown(one.before):
            return Kept.STALE
        row = store.intents.get(after.intent)
        approves = after.state is IntroState.APPROVED
        if approves and not self._is_needed(there):
            return Kept.SENT
        store.agreed.intros[after.id] = after
        if approves:
            # The lead is another from now on: no draft made before is armed.
            store.keep_journey(store.journey(after.lead))
        if row is not None and approves and row.standing is Standing.WAITING:
            self._go_on(row)
        return Kept.KEPT

    def _is_needed(self, intro: Intro) -> bool:
        """Whether it can still come into a message: that waits, was not tried, and has
        the text.
        """
        row = self.store.intents.get(intro.intent)
        if row is None or row.attempts or row.standing not in _WAITING:
            return False
        return any(
            (text.id, text.version) == (intro.template, intro.version)
            for template in self.store.templates.values()
            for text in template.texts
        )

    def _go_on(self, row: IntentRow) -> None:
        if row.noted == Reason.INTRO_PENDING:
            self.store.wait(row, min(row.intent.due_at, self.store.now))

    async def list_(
        self, tenant: TenantId, state: IntroState | None, limit: int
    ) -> Sequence[IntroView]:
        """Through all of the tenant."""
        await self.store.pause()
        found = [
            self._view(one)
            for one in self._of(tenant).values()
            if state in {None, one.state}
            and (state in {None, IntroState.APPROVED} or self._is_needed(one))
        ]
        found.sort(key=lambda view: (view.due_at or _LAST, view.intro.id))
        return found[:limit]

    async def waiting(self, tenant: TenantId) -> Mapping[IntroState, int]:
        """Counted afresh."""
        await self.store.pause()
        return Counter(
            one.state
            for one in self._of(tenant).values()
            if one.state in _FOR_PEOPLE and self._is_needed(one)
        )

    async def get(self, tenant: TenantId, words: str) -> IntroView:
        """By the start of its id."""
        await self.store.pause()
        found = [
            one
            for key, one in self._of(tenant).items()
            if words and str(key).startswith(words.lower())
        ]
        if len(found) != 1:
            many = "no intro is" if not found else "several intros are"
            message = f"{many} meant by {words!r}: give more of its id"
            raise NotFound(message)
        return self._view(found[0])

    def _of(self, tenant: TenantId) -> dict[IntroId, Intro]:
        return {
            key: one
            for key, one in self.store.agreed.intros.items()
            if self._tenant(one.lead) == tenant
        }

    def _tenant(self, lead: LeadId) -> TenantId | None:
        return self.store.lead_tenants.get(lead)

    def _view(self, intro: Intro) -> IntroView:
        store, lead = self.store, self.store.leads[intro.lead]
        row = store.intents.get(intro.intent)
        names = [
            text.name for text in store.templates.values() if text.id == intro.template
        ]
        return IntroView(
            intro=intro,
            company=lead.company_name,
            contact=lead.contact_name,
            template=names[0] if names else "",
            step=0 if row is None else row.intent.step_number,
            due_at=None if row is None else row.intent.due_at,
        )


def _shown(intro: Intro) -> tuple[IntroState, str]:
    return intro.state, intro.text
