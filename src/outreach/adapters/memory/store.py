"""One truth for all memory adapters: the world of every tenant as plain tables.

Every verb of an adapter awaits `MemoryStore.pause` once and then runs to its end
without another await, which is what makes it atomic. What each verb does stands
beside its adapter; here is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from attrs import Factory, define, evolve

from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.hosted_row import HostedRow
from outreach.adapters.memory.kept import keep_decision
from outreach.adapters.memory.meter import MeterRow
from outreach.adapters.memory.pause import Pause, yield_once
from outreach.adapters.memory.relayed_rows import RelayedRows
from outreach.adapters.memory.rows import (
    AgreedRows,
    AttemptRow,
    AuditRows,
    BudgetRow,
    CampaignRow,
    DecisionRow,
    DutyRow,
    EnrolmentRow,
    EventRow,
    InstanceRow,
    IntentRow,
    LaneRow,
    Lease,
    LogRow,
    ReviewRow,
    Standing,
    StopRow,
    TenantRow,
    UnitRow,
)
from outreach.adapters.memory.use_row import Uses
from outreach.domain.address import AddressKey
from outreach.domain.breaker import MailFault
from outreach.domain.budget import HARD_LIMIT, UnitSlot, effective_limit
from outreach.domain.change import Duty, DutyKind
from outreach.domain.decision import Decision
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    CampaignId,
    EnrolmentId,
    EventId,
    HostedId,
    IntentId,
    LeadId,
    ReviewId,
    SenderId,
    SequenceId,
    TenantId,
)
from outreach.domain.journey import Journey, Move, Moved
from outreach.domain.lead import Lead
from outreach.domain.message import Intent
from outreach.domain.sender import Sender, SenderMove
from outreach.domain.sequence import (
    Campaign,
    EnrolmentStatus,
    MessageTemplate,
    Sequence,
)
from outreach.domain.signs import Signs
from outreach.domain.stop import StopKind
from outreach.domain.suppression import Suppression, Switch, SwitchScope
from outreach.domain.timing import Timing
from outreach.domain.window import Window
from outreach.ports.senders import Account

__all__ = ["MemoryStore"]


@define(eq=False)
class MemoryStore:
    """Everything the ports of one installation keep.

    Attributes:
        ids: draws ids of what the store makes itself.  epoch: of the ledger.
        refs, hashes: attempts by provider's id, by payload hash, oldest first.
        talks: who is in a conversation, by its id.  marked: the status before a bounce.
        points: (tenant, ``phone:+40...``) and the like to its lead.  changes: keys.
        suppressions, switches: by tenant (None: for all); by scope and what it covers.
        lifted: switches that were let go.  arrived: events not applied, as they came.
        backoffs: calls refused, by tenant.  stops: by account, kind and about.
    """

    clock: MemoryClock
    ids: Callable[[], UUID]
    timing: Timing = Factory(Timing)
    pause: Pause = yield_once
    epoch: int = 1
    tenants: dict[TenantId, TenantRow] = Factory(dict)
    leads: dict[LeadId, Lead] = Factory(dict)
    lead_tenants: dict[LeadId, TenantId] = Factory(dict)
    points: dict[tuple[TenantId, str], LeadId] = Factory(dict)
    journeys: dict[LeadId, Journey] = Factory(dict)
    moves: list[tuple[TenantId, Move]] = Factory(list)
    anomalies: list[tuple[TenantId, LeadId, str]] = Factory(list)
    accounts: dict[AccountId, Account] = Factory(dict)
    lanes: dict[SenderId, LaneRow] = Factory(dict)
    sender_moves: list[tuple[datetime, str, SenderMove]] = Factory(list)
    units: dict[UnitSlot, UnitRow] = Factory(dict)
    budgets: dict[SenderId, dict[str, BudgetRow]] = Factory(dict)
    sequences: dict[tuple[SequenceId, int], Sequence] = Factory(dict)
    live_sequences: dict[tuple[TenantId, str], Sequence] = Factory(dict)
    templates: dict[tuple[TenantId, str], MessageTemplate] = Factory(dict)
    campaigns: dict[tuple[TenantId, str], Campaign] = Factory(dict)
    campaign_rows: dict[CampaignId, CampaignRow] = Factory(dict)
    enrolments: dict[EnrolmentId, EnrolmentRow] = Factory(dict)
    enrolled: dict[LeadId, list[EnrolmentId]] = Factory(dict)
    intents: dict[IntentId, IntentRow] = Factory(dict)
    intents_of: dict[LeadId, dict[IntentId, None]] = Factory(dict)
    unallocated: dict[IntentId, None] = Factory(dict)
    attempts: dict[AttemptId, AttemptRow] = Factory(dict)
    calling: dict[AttemptId, None] = Factory(dict)
    unknown: dict[AttemptId, None] = Factory(dict)
    refs: dict[str, list[AttemptId]] = Factory(dict)
    hashes: dict[str, list[AttemptId]] = Factory(dict)
    contacted: set[tuple[SenderId, LeadId]] = Factory(set)
    threads: dict[tuple[SenderId, LeadId], str] = Factory(dict)
    talks: dict[str, tuple[SenderId, LeadId]] = Factory(dict)
    log: list[LogRow] = Factory(list)
    log_of: dict[LeadId, list[LogRow]] = Factory(dict)
    sent: dict[AttemptId, LogRow] = Factory(dict)
    suppressions: dict[TenantId | None, dict[AddressKey, Suppression]] = Factory(dict)
    switches: dict[tuple[TenantId | None, SwitchScope, str], Switch] = Factory(dict)
    lifted: list[tuple[Switch, Switch]] = Factory(list)
    events: dict[EventId, EventRow] = Factory(dict)
    event_keys: set[tuple[str, str, str]] = Factory(set)
    arrived: dict[EventId, EventRow] = Factory(dict)
    duties: dict[tuple[DutyKind, str], DutyRow] = Factory(dict)
    reviews: dict[ReviewId, ReviewRow] = Factory(dict)
    reviews_of: dict[LeadId, list[ReviewId]] = Factory(dict)
    stops: dict[tuple[AccountId, StopKind, UUID], StopRow] = Factory(dict)
    hosted: dict[HostedId, HostedRow] = Factory(dict)
    faults: dict[tuple[AttemptId, MailFault], datetime] = Factory(dict)
    agreed: AgreedRows = Factory(AgreedRows)
    marked: dict[AttemptId, str] = Factory(dict)
    changes: set[tuple[TenantId, str]] = Factory(set)
    decisions: list[DecisionRow] = Factory(list)
    backoffs: dict[TenantId, int] = Factory(dict)
    audit: AuditRows = Factory(AuditRows)
    instance: InstanceRow = Factory(InstanceRow)
    signs: dict[SenderId, Signs] = Factory(dict)
    meters: dict[AccountId, MeterRow] = Factory(dict)
    relayed: RelayedRows = Factory(RelayedRows)
    uses: Uses = Factory(dict)

    @property
    def now(self) -> datetime:
        """Engine time."""
        return self.clock.engine

    @property
    def machine(self) -> datetime:
        """Machine time."""
        return self.clock.machine

    def engine_span(self, wait: timedelta) -> timedelta:
        """Machine time in engine time."""
        return wait * self.clock.speed

    # --- leads

    def keep_lead(self, tenant: TenantId, lead: Lead) -> None:
        """Store a new or changed lead with its keys; its journey begins with it."""
        self.leads[lead.id] = lead
        self.lead_tenants[lead.id] = tenant
        for key in lead.keys:
            self.points.setdefault((tenant, key), lead.id)

    def journey(self, lead: LeadId) -> Journey:
        """Where a lead stands; COLD if nothing ever happened to it."""
        return self.journeys.get(lead) or Journey(lead)

    def keep_journey(self, journey: Journey) -> Journey:
        """Store a changed journey under its next version."""
        version = self.journey(journey.lead).version + 1
        kept = self.journeys[journey.lead] = evolve(journey, version=version)
        return kept

    def keep_moved(self, moved: Moved) -> None:
        """Store what a rule made of a journey, if it made anything of it."""
        lead = moved.journey.lead
        if moved.journey != self.journey(lead):
            self.keep_journey(moved.journey)
        if moved.move is not None:
            self.moves.append((self.lead_tenants[lead], moved.move))

    # --- what must not be sent

    def suppressions_of(
        self, tenant: TenantId, keys: Iterable[AddressKey]
    ) -> tuple[Suppression, ...]:
        """What suppresses one of these addresses, for this tenant or for all."""
        lists = [found for of in (tenant, None) if (found := self.suppressions.get(of))]
        return tuple(found[key] for key in keys for found in lists if key in found)

    def switches_of(self, tenant: TenantId) -> tuple[Switch, ...]:
        """Thrown switches that concern a tenant, oldest first."""
        return tuple(
            switch
            for (of, _, _), switch in self.switches.items()
            if of in {tenant, None}
        )

    # --- messages

    def intents_for(self, lead: LeadId, *standing: Standing) -> Iterator[IntentRow]:
        """Messages to a lead that are doing this, oldest first."""
        for intent in tuple(self.intents_of.get(lead, ())):
            row = self.intents[intent]
            if row.standing in standing:
                yield row

    def window_of(self, lead: LeadId, enrolment: EnrolmentId | None) -> Window:
        """When a lead may be written to, without holidays."""
        tenant = self.tenants[self.lead_tenants[lead]]
        if enrolment is None:
            enrolment = next(reversed(self.enrolled.get(lead, [])), None)
        if enrolment is not None:
            run = self.enrolments[enrolment]
            return Window(run.zones, tenant.hours, country=run.country)
        known = self.leads[lead]
        zones = (known.time_zone or tenant.time_zone,)
        return Window(zones, tenant.hours, country=known.country)

    def plan(self, intent: Intent, lane: SenderId | None) -> None:
        """Add a message that waits; one that exists is left alone."""
        if intent.id in self.intents:
            return
        row = IntentRow(intent, self.window_of(intent.lead, intent.enrolment), lane)
        self.intents[intent.id] = row
        self.intents_of.setdefault(intent.lead, {})[intent.id] = None
        self._enter(row)

    def forget(self, row: IntentRow) -> None:
        """Take a planned message back as if it had never been planned."""
        self.leave(row)
        del self.intents[row.intent.id]
        del self.intents_of[row.intent.lead][row.intent.id]

    def wait(self, row: IntentRow, due: datetime) -> None:
        """Have a message wait until *due*, in its lane or for one."""
        self.leave(row)
        row.standing = Standing.WAITING
        row.why = ""
        row.intent = evolve(row.intent, due_at=due)
        self._enter(row)

    def place(self, row: IntentRow, lane: SenderId | None) -> None:
        """Move a message that waits into another lane."""
        self.leave(row)
        row.lane = lane
        if row.standing is Standing.WAITING:
            self._enter(row)

    def end(self, row: IntentRow, standing: Standing, why: str = "") -> None:
        """Have a message wait no more."""
        self.leave(row)
        row.standing = standing
        row.why = why

    def cancel(self, row: IntentRow, why: str) -> None:
        """Cancel a message, or what remains of it once its outcome is known."""
        if row.standing in {Standing.WAITING, Standing.HELD}:
            self.end(row, Standing.CANCELLED, why)
        elif row.standing is Standing.CALLING or self.unknown.keys() & row.attempts:
            row.cancelled = why

    def leave(self, row: IntentRow) -> None:
        """Take a message out of its line, if it stands in one."""
        if row.standing is not Standing.WAITING:
            return
        intent = row.intent
        if row.lane is None:
            self.unallocated.pop(intent.id, None)
            return
        line = self.lanes[row.lane].line
        line.remove(row.window_key, intent.send_class, intent.due_at, intent.id)

    def _enter(self, row: IntentRow) -> None:
        intent = row.intent
        if row.lane is not None:
            line = self.lanes[row.lane].line
            line.add(row.window_key, intent.send_class, intent.due_at, intent.id)
            return
        self.unallocated[intent.id] = None
        kind, key = DutyKind.DISPATCH, str(intent.tenant)
        self.put_duty(Duty(kind, key, intent.tenant, intent.due_at))

    # --- runs of sequences

    def live_enrolment(self, lead: LeadId) -> EnrolmentRow | None:
        """The run of a lead that is ACTIVE or PAUSED; there is at most one."""
        runs = [self.enrolments[run] for run in self.enrolled.get(lead, ())]
        return next((row for row in runs if row.enrolment.is_live), None)

    def keep_status(self, row: EnrolmentRow, status: EnrolmentStatus, why: str) -> None:
        """Change whether a run goes on."""
        row.enrolment = evolve(row.enrolment, status=status, stop_reason=why)

    def campaign_of(self, intent: IntentId) -> CampaignId | None:
        """The campaign of a message's run; a reply has none."""
        run = self.intents[intent].intent.enrolment
        return None if run is None else self.enrolments[run].enrolment.campaign

    def effective(self, sender: Sender, day: date) -> int:
        """New contacts a sender may make on *day*."""
        return min(effective_limit(sender.daily_limit, sender.warm_up, day), HARD_LIMIT)

    def unit(self, slot: UnitSlot) -> UnitRow:
        """The row of a sender's day."""
        return self.units.setdefault(slot, UnitRow())

    # --- events, duties and decisions

    def close_event(self, event: EventId, why: str) -> None:
        """An event is applied, or there is nothing to apply; it never comes back."""
        row = self.arrived.pop(event, None)
        if row is not None:
            row.why = why
            row.lease = None

    def put_duty(self, duty: Duty) -> None:
        """Add a duty; the earlier due time wins, also while it is being done."""
        row = self.duties.get((duty.kind, duty.key))
        if row is None:
            self.duties[duty.kind, duty.key] = DutyRow(evolve(duty, now=None))
        elif row.lease is not None:
            row.again = min(row.again or duty.due_at, duty.due_at)
        elif duty.due_at < row.duty.due_at:
            row.duty = evolve(row.duty, due_at=duty.due_at)

    def record(
        self,
        row: IntentRow,
        decision: Decision,
        *,
        outcome: str = "",
        attempt: AttemptId | None = None,
    ) -> None:
        """Keep a decision: each send, and each change of reason."""
        noted = outcome or str(decision.binding)
        if attempt is None and row.noted == noted:
            return
        row.noted = noted
        intent = row.intent
        keep_decision(
            self.decisions,
            DecisionRow(
                intent.tenant,
                intent.lead,
                intent.id,
                intent.step_number,
                decision,
                outcome,
                attempt,
            ),
        )

    def note(self, row: LogRow) -> None:
        """Add a line to the message log."""
        self.log.append(row)
        self.log_of.setdefault(row.lead, []).append(row)
        if row.attempt is not None:
            self.sent[row.attempt] = row

    def name(self, attempt: AttemptRow, ref: str, thread: str) -> None:
        """Note the provider's ids of a message and of its conversation."""
        attempt.ref = ref or attempt.ref
        for told in (ref, thread if thread.startswith("<") else ""):
            known = self.refs.setdefault(told, [])
            if told and attempt.parcel.attempt not in known:
                known.append(attempt.parcel.attempt)
        if thread:
            self.converse(attempt.parcel.sender, attempt.lead, thread)

    def converse(self, sender: SenderId, lead: LeadId, thread: str = "") -> None:
        """Sender and lead have written to each other."""
        self.contacted.add((sender, lead))
        if thread:
            self.threads[sender, lead] = thread
            self.talks[thread] = (sender, lead)

    def leased(self, lease: Lease | None) -> bool:
        """Whether somebody is still at work (machine time)."""
        return lease is not None and self.machine < lease.until
