"""Enrol leads in a sequence: choose the channel, fix the window, plan step one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from outreach.domain.bounce import RETURNED
from outreach.domain.channel import COLD_STATES, Channel
from outreach.domain.consent import OPEN, Policy, Standing
from outreach.domain.errors import Misconfigured, TemplateError
from outreach.domain.ids import EnrolmentId, TenantId, step_intent_id
from outreach.domain.link import LINK_FIELD, MAIL
from outreach.domain.message import Intent
from outreach.domain.routing import Reach, choose_channel
from outreach.domain.sender import SendClass
from outreach.domain.sequence import Campaign, MessageTemplate, Override, Step
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.template import MAIL_LIMIT, WHATSAPP_LIMIT, parse, seed
from outreach.domain.usecases.check_templates import refuse_links
from outreach.domain.window import Hours
from outreach.domain.zones import ZoneClues, zones_for
from outreach.ports.campaigns import Campaigns, Enrollable, NewEnrolment

__all__ = ["Enroll", "Enrolled"]

_PAGE: Final = 500
_ENROLLED: Final = "ENROLLED"
"""A lead has at most one live enrolment; this one has another."""
_LIMITS: Final = {Channel.WHATSAPP: WHATSAPP_LIMIT}


@frozen
class Enrolled:
    """Counts of one enrolment.

    Attributes:
        skipped: leads that get nothing, by reason.
        warned: of those enrolled, how many the policy has a word of warning for.
    """

    campaign: Campaign
    enrolled: int
    skipped: Mapping[str, int] = field(factory=dict)
    warned: int = 0


@frozen
class Enroll:
    """Pages through the leads that this campaign has not seen.

    Attributes:
        channels: those with a provider and senders; others are skipped with a
            reason.
        enrolment_ids: makes the id of an enrolment.
        links_in_first: whether a first WhatsApp message may hold links.
        policy: what a lead must have agreed to before a channel is used.
        progress: told how many leads were looked at.
    """

    campaigns: Campaigns
    channels: frozenset[Channel]
    tenant_zone: str
    enrolment_ids: Callable[[], EnrolmentId]
    hours: Hours = Hours()
    links_in_first: bool = False
    policy: Policy = OPEN

    async def __call__(
        self,
        tenant: TenantId,
        sequence: Steps,
        templates: Sequence[MessageTemplate],
        *,
        name: str,
        override: Override | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Enrolled:
        """Save sequence and templates, then enrol every lead that fits.

        Args:
            override: who lets phones take more new contacts than they can follow up
                while this campaign has some, and why; recorded.

        Raises:
            Misconfigured: a step names a template that is not there, or whose
                channel is another, or a first WhatsApp message holds a link.
        """
        check_steps(sequence, templates)
        if not self.links_in_first:
            refuse_links(sequence, templates)
        campaign = await self.campaigns.save(
            tenant, sequence, templates, name=name, override=override
        )
        stored, texts = await self.campaigns.sequence(tenant, sequence.name)
        by_name = {template.name: template for template in texts}
        after, looked, enrolled, warned = None, 0, 0, 0
        skipped = Counter[str]()
        while page := await self.campaigns.enrollable(tenant, campaign, after, _PAGE):
            now = await self.campaigns.now()
            batch = [self._plan(tenant, lead, stored, by_name, now) for lead in page]
            done = await self.campaigns.enroll(tenant, campaign, batch)
            for lead, one, new in zip(page, batch, done, strict=True):
                if one.skipped:
                    skipped[one.skipped] += 1
                elif new:
                    enrolled += 1
                    warned += self._warned(lead, one)
                else:
                    skipped[_ENROLLED] += 1
            after, looked = page[-1].lead, looked + len(page)
            if progress is not None:
                progress(looked)
        return Enrolled(campaign, enrolled, dict(skipped), warned)

    def _warned(self, lead: Enrollable, enrolled: NewEnrolment) -> bool:
        if enrolled.first is None:
            return False
        channel = enrolled.first.channel
        return self.policy.warns(channel, _standing(lead, channel))

    def _plan(
        self,
        tenant: TenantId,
        lead: Enrollable,
        sequence: Steps,
        templates: Mapping[str, MessageTemplate],
        now: datetime,
    ) -> NewEnrolment:
        step = sequence.steps[0]
        choice = zones_for(
            ZoneClues(
                tenant_zone=self.tenant_zone,
                known=lead.time_zone or None,
                number_zones=lead.phone_zones,
                country_zones=lead.country_zones,
                sequence_zone=sequence.time_zone,
            ),
            hours=self.hours,
            at=now,
        )
        channel, why = self._channel(lead, sequence, step)
        if channel is not None:
            why = _lacks(lead, sequence, templates, channel)
        enrolment = self.enrolment_ids()
        first = None
        if channel is not None and not why:
            first = Intent(
                id=step_intent_id(tenant, enrolment, step.id),
                tenant=tenant,
                lead=lead.lead,
                send_class=SendClass.NEW,
                channel=channel,
                due_at=now + step.delay,
                enrolment=enrolment,
                step=step.id,
                step_number=step.number,
            )
        return NewEnrolment(
            id=enrolment,
            lead=lead.lead,
            zones=choice.zones,
            country=lead.country,
            zones_why=choice.why,
            first=first,
            skipped=why,
        )

    def _channel(
        self, lead: Enrollable, sequence: Steps, step: Step
    ) -> tuple[Channel | None, str]:
        if lead.opted_out or lead.suppressed:
            return None, "SUPPRESSED"
        if lead.human_controlled:
            return None, "HUMAN_CONTROL"
        if lead.state not in COLD_STATES:
            return None, "STOPPED"
        returned = lead.fields.get("email_status") == RETURNED
        points = {
            Channel.WHATSAPP: lead.phone,
            Channel.EMAIL_COLD: "" if returned else lead.email,
        }
        reaches = tuple(
            Reach(channel, self._blocked(channel, point, sequence, step, lead))
            for channel, point in points.items()
        )
        route = choose_channel(
            step.channel,
            reaches,
            last=lead.last_channel,
            preferred=lead.preferred_channel,
        )
        if route.channel is not None:
            return route.channel, ""
        blocked = {reach.blocked for reach in reaches}
        ranked = ("NO_CONSENT", "NO_TEMPLATE", "NO_CHANNEL")
        return None, next(why for why in ranked if why in blocked)

    def _blocked(
        self, channel: Channel, point: str, steps: Steps, step: Step, lead: Enrollable
    ) -> str:
        why = self._unfit(channel, point, steps, step)
        if why or not self.policy.lacks(channel, _standing(lead, channel)):
            return why
        return "NO_CONSENT"

    def _unfit(self, channel: Channel, point: str, steps: Steps, step: Step) -> str:
        if not point or channel not in self.channels:
            return "NO_CHANNEL"
        if channel is (step.channel or steps.primary_channel):
            return ""
        allowed = step.channel is None or channel is steps.fallback_channel
        if not allowed:
            return "NO_CHANNEL"
        return "" if step.fallback_template else "NO_TEMPLATE"


def _standing(lead: Enrollable, channel: Channel) -> Standing:
    address = lead.phone if channel is Channel.WHATSAPP else lead.email
    return Standing(lead.country, address, lead.legal_basis, lead.consents)


def _lacks(
    lead: Enrollable,
    sequence: Steps,
    templates: Mapping[str, MessageTemplate],
    first: Channel,
) -> str:
    """NO_TEMPLATE if the lead lacks a variable that a text of the run requires.

    Later steps are looked at as if they went out on their own channel.
    """
    for step in sequence.steps:
        own = step.channel or sequence.primary_channel
        name: str | None = step.template
        if step.number == 1 and first is not own:
            name = step.fallback_template
        template = templates.get(name or "")
        if template is None or not _fits(lead, step, template):
            return "NO_TEMPLATE"
    return ""


def _fits(lead: Enrollable, step: Step, template: MessageTemplate) -> bool:
    # A mail will have its link when it is sent.
    link = {LINK_FIELD: "https://"} if template.channel in MAIL else {}
    try:
        parse(template.content).render(
            {**lead.fields, **link},
            declared=template.variables,
            seed=seed(lead.lead, step.id, template.version),
            limit=_LIMITS.get(template.channel, MAIL_LIMIT),
        )
    except TemplateError:
        return False
    return True


def check_steps(sequence: Steps, templates: Sequence[MessageTemplate]) -> None:
    """Every step's template is there, approved, readable and of its channel.

    Raises:
        Misconfigured: names sequence, step and what is there.
        TemplateError: a template cannot be read.
    """
    by_name = {template.name: template for template in templates}
    for step in sequence.steps:
        wanted = step.channel or sequence.primary_channel
        _check_text(sequence, step, by_name, step.template, wanted)
        if step.fallback_template is not None:
            other = sequence.fallback_channel
            _check_text(sequence, step, by_name, step.fallback_template, other)
    for template in templates:
        parse(template.content)


def _check_text(
    sequence: Steps,
    step: Step,
    by_name: Mapping[str, MessageTemplate],
    name: str,
    channel: Channel | None,
) -> None:
    where = f"sequence {sequence.name!r}, step {step.number}"
    template = by_name.get(name)
    if template is None:
        there = ", ".join(sorted(by_name)) or "none"
        message = (
            f"{where}: there is no template {name!r}; "
            f"add a [[template]] of that name (there: {there})"
        )
        raise Misconfigured(message)
    if channel is None:
        message = f"{where}: template {name!r} is for a fall-back channel; set one"
        raise Misconfigured(message)
    if template.channel is not channel:
        message = (
            f"{where}: template {name!r} is for {template.channel}, "
            f"the step for {channel}"
        )
        raise Misconfigured(message)
    if not template.approved:
        message = f"{where}: template {name!r} is not approved; approve it first"
        raise Misconfigured(message)
