"""All the facts of one message, as a claim carries them and `explain` shows them."""

from __future__ import annotations

from outreach.adapters.memory import metering, relaying, versions
from outreach.adapters.memory.budgeting import with_uses
from outreach.adapters.memory.consents import standing
from outreach.adapters.memory.hosting import hosting_of
from outreach.adapters.memory.intro_rows import intro_for
from outreach.adapters.memory.rows import IntentRow, LaneRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.budget import UnitSlot
from outreach.domain.case import Case, LaneFacts, Ledger
from outreach.domain.channel import Channel
from outreach.domain.ids import TenantId
from outreach.domain.message import Intent
from outreach.domain.routing import Ways
from outreach.domain.sender import GONE, Sender
from outreach.domain.sequence import EnrolmentStatus, MessageTemplate, Sequence
from outreach.domain.window import local_day

__all__ = ["case_of", "channels_of", "ledger_of"]


def case_of(store: MemoryStore, row: IntentRow) -> Case:
    """What a decision about *row* looks at; its window carries no holidays."""
    intent = row.intent
    lead = store.leads[intent.lead]
    lane = None if row.lane is None else store.lanes[row.lane]
    sequence, enrolment = _run(store, intent)
    ways = Ways.of(
        lead.phone,
        lead.phone_status,
        lead.email,
        lead.email_status,
        channels_of(store, intent.tenant),
    )
    text = _template(store, intent, sequence)
    proposed = intro_for(store.agreed.intros, intent.id, text)
    case = Case(
        intent=intent,
        journey=store.journey(intent.lead),
        window=row.window,
        sender=None if lane is None else lane.sender,
        lane=None if lane is None else _lane_facts(store, lane),
        ledger=None if lane is None else ledger_of(store, lane.sender),
        contacted=lane is not None and (lane.sender.id, intent.lead) in store.contacted,
        to=ways.to(intent.channel),
        thread=""
        if lane is None
        else store.threads.get((lane.sender.id, intent.lead), ""),
        addresses=lead.addresses,
        fields=lead.variables,
        enrolment=enrolment,
        campaign=store.campaign_of(intent.id),
        sequence=sequence,
        template=text,
        intro="" if proposed is None else proposed.said,
        proposed=proposed,
        suppressions=store.suppressions_of(intent.tenant, lead.addresses),
        switches=store.switches_of(intent.tenant),
        review_open=any(
            store.reviews[review].item.is_open
            for review in store.reviews_of.get(intent.lead, ())
        ),
        live=_live(row),
        hosting=hosting_of(store, row),
        consent=store.agreed.policy.lacks(
            intent.channel, standing(store, intent.lead, intent.channel)
        ),
        ways=ways,
    )
    return with_uses(store, case)


def channels_of(store: MemoryStore, tenant: TenantId) -> frozenset[Channel]:
    """On which channels the tenant has any sender that is not gone."""
    return frozenset(
        lane.sender.channel
        for lane in store.lanes.values()
        if lane.sender.tenant == tenant
        and lane.sender.enabled
        and lane.sender.state not in GONE
    )


def ledger_of(store: MemoryStore, sender: Sender) -> Ledger:
    """Units of the sender's present day."""
    day = local_day(store.now, sender.time_zone)
    unit = store.units.get(UnitSlot(sender.id, day))
    if unit is None:
        return Ledger(day)
    return Ledger(day, len(unit.ids), unit.external)


def _lane_facts(store: MemoryStore, lane: LaneRow) -> LaneFacts:
    account, backoff = lane.sender.account, lane.backoff_until
    for opens in (metering.room_at(store, account), relaying.away_until(store, lane)):
        if opens is not None:
            backoff = opens if backoff is None else max(backoff, opens)
    plan = metering.full_plan(store, account)
    return LaneFacts(lane.gate_at, backoff, busy=bool(lane.calling), plan=plan)


def _run(
    store: MemoryStore, intent: Intent
) -> tuple[Sequence | None, EnrolmentStatus | None]:
    if intent.enrolment is None:
        return None, None
    run = store.enrolments[intent.enrolment].enrolment
    sequence = store.sequences[run.sequence, run.sequence_version]
    return sequence, run.status


def _template(
    store: MemoryStore, intent: Intent, sequence: Sequence | None
) -> MessageTemplate | None:
    """The step's text for the intent's channel: its own, else that to fall back to."""
    step = None if sequence is None else sequence.step(intent.step_number)
    if step is None:
        return None
    for name in (step.template, step.fallback_template):
        found = store.templates.get((intent.tenant, name or ""))
        if found is not None and found.channel is intent.channel:
            had = versions.had(store, intent.lead, found.id)
            return found.for_lead(intent.lead, had)
    return None


def _live(row: IntentRow) -> str:
    if row.standing is Standing.WAITING:
        return ""
    return f"{row.standing} {row.why}".strip()
