"""Versions of templates: who was sent which, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.adapters.memory.rows import AttemptRow
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.use_row import UseRow
from outreach.domain.change import Answered, Change, Duty, DutyKind
from outreach.domain.errors import NotFound
from outreach.domain.ids import LeadId, TemplateId, TenantId
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sequence import MessageTemplate
from outreach.domain.trial import Counts, Trial
from outreach.domain.version import TextUsed

__all__ = ["apply", "count", "had", "open_", "pick", "trials", "use"]

_SENT: Final = frozenset({Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ABANDONED})
_OPENED: Final = frozenset(
    {MessageStatus.READ, MessageStatus.OPENED, MessageStatus.CLICKED}
)
_AN_HOUR: Final = timedelta(hours=1)


def use(store: MemoryStore, attempt: AttemptRow, text: TextUsed | None) -> None:
    """A message is armed: its lead uses this version, unless it was sent one before."""
    if text is None:
        return
    uses = store.uses.setdefault(attempt.lead, {})
    known = uses.get(text.template)
    if known is None or not known.sent:
        name, at = attempt.parcel.attempt, attempt.called_at
        uses[text.template] = UseRow(attempt.tenant, text, name, at)


def had(store: MemoryStore, lead: LeadId, template: TemplateId) -> str:
    """Label of the version that a lead was sent; empty: none was."""
    known = store.uses.get(lead, {}).get(template)
    return known.text.label if known is not None and known.sent else ""


def count(store: MemoryStore, attempt: AttemptRow) -> None:
    """Whether a message counts as sent has been learnt, or learnt anew."""
    row = _of(store, attempt)
    if row is not None:
        before = row.sent and row.replied
        row.sent = attempt.outcome in _SENT
        _look(store, row, before=before)


def open_(store: MemoryStore, attempt: AttemptRow, status: MessageStatus) -> None:
    """A message came this far, which may be as far as its reader."""
    row = _of(store, attempt)
    if row is not None and status in _OPENED:
        row.opened = True


def apply(store: MemoryStore, change: Change) -> None:
    """What a commit says of the lead's versions."""
    if change.answered is not None:
        _answered(store, change.lead, change.answered)
    if change.converted:
        for row in store.uses.get(change.lead, {}).values():
            row.converted = True


def _answered(store: MemoryStore, lead: LeadId, told: Answered) -> None:
    """To the message that it names, else to the last that may have left."""
    rows = [
        row
        for row in store.uses.get(lead, {}).values()
        if told.attempt in {None, row.attempt}
        and store.attempts[row.attempt].outcome in _SENT | {Outcome.CALLING}
    ]
    if rows:
        row = max(rows, key=lambda one: one.at)
        before = row.sent and row.replied
        row.replied = True
        row.positive = row.positive or told.positive
        _look(store, row, before=before)


def _look(store: MemoryStore, row: UseRow, *, before: bool) -> None:
    """One reply more: whether there is a winner is looked at soon."""
    if before or not (row.sent and row.replied):
        return
    found = (one for one in store.templates.values() if one.id == row.text.template)
    template = next(found, None)
    if template is not None and template.versions and not template.winner:
        due = store.now + _AN_HOUR
        key = str(template.id)
        store.put_duty(Duty(DutyKind.WINNER, key, row.tenant, due))


def _of(store: MemoryStore, attempt: AttemptRow) -> UseRow | None:
    uses = store.uses.get(attempt.lead, {}).values()
    return next((row for row in uses if row.attempt == attempt.parcel.attempt), None)


def trials(store: MemoryStore, tenant: TenantId) -> list[Trial]:
    """By name, counted afresh."""
    own = [one for (of, _), one in store.templates.items() if of == tenant]
    return [_trial(store, one) for one in sorted(own, key=lambda one: one.name)]


def _trial(store: MemoryStore, template: MessageTemplate) -> Trial:
    counts: dict[str, Counts] = {}
    for uses in store.uses.values():
        row = uses.get(template.id)
        if row is None or not row.sent or row.text.number < template.since:
            continue
        known = counts.get(row.text.label, Counts())
        counts[row.text.label] = Counts(
            sent=known.sent + 1,
            opens=known.opens + row.opened,
            replies=known.replies + row.replied,
            positive=known.positive + row.positive,
            conversions=known.conversions + row.converted,
        )
    return Trial(template, counts)


def pick(
    store: MemoryStore,
    tenant: TenantId,
    name: str,
    label: str,
    *,
    by: str,
    instead: bool,
) -> bool:
    """New leads get this version only."""
    known = store.templates.get((tenant, name))
    if known is None or label not in {one.label for one in known.versions}:
        message = f"no template {name!r} has a version {label!r}"
        raise NotFound(message)
    if known.winner and not instead:
        return False
    store.templates[tenant, name] = evolve(known, winner=label, picked_by=by)
    return True
