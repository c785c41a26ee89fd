"""A place where the contract suites of the stores work, and how they get there.

A suite arranges everything through ports, so that it runs over any store. Whoever
has a store of their own makes a `World` of it for each test: empty, at the engine time
`outreach.testing.invented.START`, at the speed 1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

from attrs import define, evolve, field

from outreach.domain.case import Case
from outreach.domain.change import Change, Done, Known
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision, Verdict, decide
from outreach.domain.ids import (
    AccountId,
    Incarnation,
    IntentId,
    LeadId,
    SenderId,
    StepId,
    TenantId,
)
from outreach.domain.journey import Moved
from outreach.domain.lead_file import ImportId
from outreach.domain.message import Draft, Intent, Left, Outcome
from outreach.domain.outcome import draft_of
from outreach.domain.sender import SendClass, Sender
from outreach.domain.sequence import Campaign, Override
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.timing import Timing
from outreach.ports.accounts import Accounts
from outreach.ports.audit import Audit
from outreach.ports.campaigns import Campaigns
from outreach.ports.clock import Clock
from outreach.ports.consents import Consents
from outreach.ports.decisions import Decisions
from outreach.ports.duties import Duties
from outreach.ports.hosting import HostedCampaigns
from outreach.ports.inbox import Inbox
from outreach.ports.instance import Instance
from outreach.ports.intents import Intents
from outreach.ports.intros import Intros
from outreach.ports.journeys import Journeys
from outreach.ports.lanes import ALONE, Allocations, Claim, Lanes, PutOff
from outreach.ports.leads import Leads
from outreach.ports.reviews import Reviews
from outreach.ports.senders import Senders
from outreach.ports.stops import Stops
from outreach.ports.switches import Switches
from outreach.ports.watch import Watch
from outreach.testing import invented
from outreach.testing.call import GAP, Call

__all__ = ["GAP", "HOUR", "A", "B", "Call", "World"]

HOUR: Final = timedelta(hours=1)
A: Final = Incarnation("worker/a")
B: Final = Incarnation("worker/b")


@define(kw_only=True)
class World:
    """Every port over one store, and short words for what suites do with them.

    Attributes:
        timing: what the adapters were made with; machine times may be scaled down.
        advance_engine: lets engine time pass at once.
        advance_machine: lets machine time pass, for real where it must be.
        tenant: in `invented.ZONE`, language ``ro``; stranger: another such one.
    """

    lanes: Lanes
    allocations: Allocations
    intents: Intents
    journeys: Journeys
    inbox: Inbox
    duties: Duties
    clock: Clock
    campaigns: Campaigns
    consents: Consents
    senders: Senders
    accounts: Accounts
    switches: Switches
    watch: Watch
    stops: Stops
    hosted: HostedCampaigns
    intros: Intros
    reviews: Reviews
    decisions: Decisions
    leads: Leads
    audit: Audit
    instance: Instance
    timing: Timing
    advance_engine: Callable[[timedelta], Awaitable[None]]
    advance_machine: Callable[[timedelta], Awaitable[None]]
    tenant: TenantId
    stranger: TenantId
    _numbers: count[int] = field(factory=lambda: count(1), init=False)
    _beside: dict[tuple[SenderId, Channel], Sender] = field(factory=dict, init=False)

    # --- who and what there is

    async def phones(
        self, many: int = 1, *, tenant: TenantId | None = None, **facts: Any
    ) -> list[Sender]:
        """New WhatsApp phones."""
        batch = [
            evolve(invented.new_phone(next(self._numbers)), **facts)
            for _ in range(many)
        ]
        return list(await self.senders.import_(tenant or self.tenant, batch))

    async def mailboxes(
        self, many: int = 1, *, tenant: TenantId | None = None, **facts: Any
    ) -> list[Sender]:
        """New mailboxes, of cold mail unless *facts* say otherwise."""
        batch = [
            evolve(invented.new_mailbox(next(self._numbers)), **facts)
            for _ in range(many)
        ]
        return list(await self.senders.import_(tenant or self.tenant, batch))

    async def _mailbox(self, phone: Sender, channel: Channel) -> Sender:
        """One of that channel at the phone's account, the same again and again."""
        if phone.channel is channel:
            return phone
        beside = (phone.id, channel)
        if beside not in self._beside:
            known = await self.senders.accounts(phone.tenant)
            account = next(one for one in known if one.id == phone.account)
            (self._beside[beside],) = await self.mailboxes(
                tenant=phone.tenant,
                channel=channel,
                provider=account.provider,
                provider_account=account.name,
            )
        return self._beside[beside]

    async def new_leads(
        self, many: int = 1, *, tenant: TenantId | None = None, mail: bool = False
    ) -> list[LeadId]:
        """New leads with a phone each, and an address if *mail* is set."""
        rows = [invented.new_lead(next(self._numbers), mail=mail) for _ in range(many)]
        run = ImportId(uuid4())
        stored = await self.leads.store(tenant or self.tenant, rows, run=run)
        return [one.lead for one in stored]

    async def campaign(
        self,
        steps: int = 2,
        *,
        name: str = "agri",
        tenant: TenantId | None = None,
        override: Override | None = None,
        channel: Channel = Channel.WHATSAPP,
        fallback: Channel | None = None,
    ) -> tuple[Campaign, Steps]:
        """A saved campaign, with its sequence as it was stored."""
        tenant = tenant or self.tenant
        wanted = invented.sequence(steps, name=name, channel=channel, fallback=fallback)
        texts = invented.texts(wanted)
        campaign = await self.campaigns.save(
            tenant, wanted, texts, name=name, override=override
        )
        stored, _ = await self.campaigns.sequence(tenant, name)
        return campaign, stored

    async def enrolled(
        self,
        leads: Sequence[LeadId],
        *,
        steps: int = 2,
        tenant: TenantId | None = None,
        within: timedelta = timedelta(),
        name: str = "agri",
        override: Override | None = None,
        channel: Channel = Channel.WHATSAPP,
        fallback: Channel | None = None,
    ) -> list[IntentId]:
        """First messages of new runs, due *within* from now; nobody has them yet."""
        tenant = tenant or self.tenant
        campaign, sequence = await self.campaign(
            steps,
            name=name,
            tenant=tenant,
            override=override,
            channel=channel,
            fallback=fallback,
        )
        due = await self.now() + within
        batch = [invented.enrolment(tenant, lead, sequence, due) for lead in leads]
        taken = await self.campaigns.enroll(tenant, campaign, batch)
        assert all(taken), "a new lead could not be enrolled"
        return [one.first.id for one in batch if one.first is not None]

    async def line(
        self,
        phone: Sender,
        many: int = 1,
        *,
        steps: int = 2,
        within: timedelta = timedelta(),
        mail: bool = False,
    ) -> list[LeadId]:
        """New leads whose first messages wait in the lane of *phone*."""
        leads = await self.new_leads(many, tenant=phone.tenant, mail=mail)
        intents = await self.enrolled(
            leads, steps=steps, tenant=phone.tenant, within=within
        )
        given = dict.fromkeys(intents, phone.id)
        moved = await self.allocations.allocate(phone.tenant, given)
        assert moved == many, "a new message could not be allocated"
        return leads

    async def mail(self, phone: Sender, lead: LeadId, **facts: Any) -> IntentId:
        """A last mail (or what *facts* say) of the lead's run, in a lane of its own."""
        known = await self.known(lead)
        run = known.enrolment
        assert run is not None, "the lead is in no run"
        plain = Intent(
            id=IntentId(uuid4()),
            tenant=phone.tenant,
            lead=lead,
            send_class=SendClass.FOLLOWUP,
            channel=Channel.EMAIL_COLD,
            due_at=known.now,
            enrolment=run.id,
            step=StepId(uuid4()),
            step_number=run.total_steps,
            text="Bună ziua!",
        )
        planned = evolve(plain, **facts)
        await self.commit(self.change(known, plans=(planned,)))
        if known.journey.sender(planned.channel) is None:
            box = await self._mailbox(phone, planned.channel)
            given = {planned.id: box.id}
            moved = await self.allocations.allocate(phone.tenant, given)
            assert moved == 1, "a mail could not be put into a lane"
        return planned.id

    async def call_for(self, intent: IntentId, **changes: Any) -> Call:
        """T1 of that message, with changes to its draft."""
        found: Call | None = None
        for claim in await self.claims():
            case = next((one for one in claim.cases if one.intent.id == intent), None)
            if case is None:
                await self.lanes.free(claim)
            else:
                found = await self.arm(claim, case, **changes)
        assert found is not None, "no lane offers that message"
        return found

    async def phone_with(
        self, many: int = 1, **facts: Any
    ) -> tuple[Sender, list[LeadId]]:
        """A new phone with messages that are due in its lane."""
        (phone,) = await self.phones(**facts)
        return phone, await self.line(phone, many)

    async def quiet(self) -> None:
        """End every duty that is due, so that nothing but the lanes is."""
        for duty in await self.duties.take(A, 1_000):
            await self.duties.done(duty, None)

    # --- claim, decide, arm, settle

    async def now(self) -> datetime:
        """Engine time."""
        return await self.clock.now()

    async def claims(
        self,
        who: Incarnation = A,
        room: Mapping[AccountId, int] | None = None,
        limit: int = 10,
        many: Mapping[AccountId, int] = ALONE,
    ) -> list[Claim]:
        """Whatever lanes can be claimed."""
        return list(await self.lanes.claim(who, room or {}, limit, None, many))

    async def claim(
        self, who: Incarnation = A, many: Mapping[AccountId, int] = ALONE
    ) -> Claim:
        """The one lane that can be claimed."""
        (claim,) = await self.claims(who, many=many)
        return claim

    async def offered(self) -> list[LeadId]:
        """Whose messages a claim holds now; the lanes are given back."""
        claims = await self.claims()
        for claim in claims:
            await self.lanes.free(claim)
        return [case.intent.lead for claim in claims for case in claim.cases]

    def decide(self, case: Case, claim: Claim) -> Decision:
        """What the one decision says of a case at the time of its claim."""
        return decide(case, claim.now, margin=self.timing.call_budget)

    async def put_off(
        self, claim: Claim, case: Case, at: datetime, *, keep: bool = False
    ) -> Decision:
        """Put one message off by what is decided of *case* at *at*."""
        made = decide(case, at, margin=self.timing.call_budget)
        until = made.earliest
        if made.verdict is Verdict.HOLD:
            until = at + HOUR
        put = PutOff(
            case.intent.id, made, None if made.verdict is Verdict.STOP else until
        )
        await self.lanes.put_off(claim, [put], keep=keep)
        return made

    def draft(self, claim: Claim, case: Case | None = None) -> tuple[Draft, Decision]:
        """What T1 is asked for a case (the claim's first) that may be sent."""
        case = case or claim.cases[0]
        made = self.decide(case, claim)
        assert made.verdict is Verdict.SEND, f"not to be sent: {made}"
        assert case.sender is not None, "a case of a claim has a sender"
        return draft_of(case, case.sender, made, f"Salut {case.intent.id}"), made

    async def arm(
        self, claim: Claim | None = None, case: Case | None = None, **changes: Any
    ) -> Call:
        """T1 of one message, with changes to its draft."""
        claim = claim or await self.claim()
        case = case or claim.cases[0]
        draft, made = self.draft(claim, case)
        draft = evolve(draft, **changes)
        (verdict,) = await self.intents.arm(claim, [(draft, made)])
        return Call(claim, case, draft, made, verdict)

    async def calling(self) -> Call:
        """A call under way."""
        call = await self.arm()
        assert call.armed, f"not armed: {call.verdict}"
        return call

    async def settle(self, call: Call, outcome: Outcome, **changes: Any) -> Left:
        """T2."""
        (left,) = await self.intents.settle([call.ended(outcome, **changes)])
        return left

    async def send(self, **changes: Any) -> Call:
        """One message, accepted; the lane rests for `GAP`."""
        call = await self.calling()
        left = await self.settle(call, Outcome.ACCEPTED, **changes)
        assert left.outcome is Outcome.ACCEPTED, f"not accepted: {left}"
        return call

    async def doubt(self) -> Call:
        """A message whose outcome nobody knows."""
        call = await self.calling()
        left = await self.settle(call, Outcome.UNKNOWN)
        assert left.outcome is Outcome.UNKNOWN, f"not unknown: {left}"
        return call

    # --- leads

    async def known(self, lead: LeadId) -> Known:
        """The lead as it stands."""
        (known,) = await self.journeys.load(self.tenant, [lead])
        return known

    def change(self, known: Known, moved: Moved | None = None, **parts: Any) -> Change:
        """A change of a lead under a key of its own."""
        journey = known.journey if moved is None else moved.journey
        moves = () if moved is None or moved.move is None else (moved.move,)
        plain = Change(
            tenant=known.tenant,
            lead=known.journey.lead,
            key=f"test/{next(self._numbers)}",
            expected=known.journey.version,
            journey=journey,
            moves=moves,
        )
        return evolve(plain, **parts)

    async def commit(self, change: Change) -> Done:
        """One change."""
        (done,) = await self.journeys.commit([change])
        return done

    async def changed(
        self, lead: LeadId, moved: Callable[[Known], Moved], **parts: Any
    ) -> None:
        """Commit what a rule makes of a lead."""
        known = await self.known(lead)
        done = await self.commit(self.change(known, moved(known), **parts))
        assert done is Done.DONE, f"not committed: {done}"
