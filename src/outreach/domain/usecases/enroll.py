"""Enrol leads in a sequence: choose the channel, fix the window, plan step one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.channel import COLD_STATES, Channel
from outreach.domain.consent import OPEN, Policy, Standing
from outreach.domain.errors import Misconfigured, TemplateError
from outreach.domain.ids import EnrolmentId, TenantId, step_intent_id
from outreach.domain.intro import FULL, with_intro
from outreach.domain.journey import Journey
from outreach.domain.link import LINK_FIELD, MAIL
from outreach.domain.message import Intent
from outreach.domain.routing import Ways, route_step
from outreach.domain.sender import SendClass
from outreach.domain.sequence import Campaign, MessageTemplate, Override, Step
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.stop import HOLDING
from outreach.domain.template import (
    INTRO_FIELD,
    MAIL_LIMIT,
    SUBJECT_LIMIT,
    WHATSAPP_LIMIT,
    parse,
    seed,
)
from outreach.domain.usecases.check_templates import refuse_links
from outreach.domain.window import Hours
from outreach.domain.zones import ZoneClues, zones_for
from outreach.ports.campaigns import Campaigns, Enrollable, NewEnrolment
from outreach.ports.senders import Senders

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
        senders: tells on which channels anybody can be written to; leads that would
            need another are skipped with a reason.
        enrolment_ids: makes the id of an enrolment.
        links_in_first: whether a first WhatsApp message may hold links.
        policy: what a lead must have agreed to before a channel is used.
        progress: told how many leads were looked at.
    """

    campaigns: Campaigns
    senders: Senders
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
        channels = await self.senders.channels(tenant)
        if not channels:
            # Before there is any sender, leads wait for one of the sequence's own.
            channels = frozenset({stored.primary_channel})
        after, looked, enrolled, warned = None, 0, 0, 0
        skipped = Counter[str]()
        while page := await self.campaigns.enrollable(tenant, campaign, after, _PAGE):
            now = await self.campaigns.now()
            batch = [
                self._plan(tenant, lead, stored, by_name, channels, now)
                for lead in page
            ]
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
        channels: frozenset[Channel],
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
        channel, why = None, _excluded(lead)
        if not why:
            channel, why = self._routed(lead, sequence, templates, channels)
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

    def _routed(
        self,
        lead: Enrollable,
        sequence: Steps,
        templates: Mapping[str, MessageTemplate],
        channels: frozenset[Channel],
    ) -> tuple[Channel | None, str]:
        """As `_routed`, over the channels that the lead has agreed to."""
        agreed = frozenset(
            one for one in channels if not self.policy.lacks(one, _standing(lead, one))
        )
        channel, why = _routed(lead, sequence, templates, agreed)
        if channel is None and agreed != channels:
            able, _ = _routed(lead, sequence, templates, channels)
            why = "NO_CONSENT" if able is not None else why
        return channel, why


def _standing(lead: Enrollable, channel: Channel) -> Standing:
    address = lead.phone if channel is Channel.WHATSAPP else lead.email
    return Standing(lead.country, address, lead.legal_basis, lead.consents)


def _excluded(lead: Enrollable) -> str:
    """Why nobody writes to this lead, on whatever channel; empty: nothing says so."""
    if lead.opted_out or lead.suppressed:
        return "SUPPRESSED"
    if lead.human_controlled:
        return "HUMAN_CONTROL"
    return "" if lead.state in COLD_STATES else "STOPPED"


def _routed(
    lead: Enrollable,
    sequence: Steps,
    templates: Mapping[str, MessageTemplate],
    channels: frozenset[Channel],
) -> tuple[Channel | None, str]:
    """The channel of the first step, or why the lead gets nothing.

    It must be reachable by the first step, and no step may come to a channel without
    a text for it, or lack a variable. A later step that no channel leads to will be
    passed over.
    """
    status = lead.fields.get
    ways = Ways.of(
        lead.phone,
        status("phone_status", ""),
        lead.email,
        status("email_status", ""),
        channels,
    )
    journey = Journey(
        lead.lead,
        lead.state,
        closed_channels=lead.closed_channels,
        preferred_channel=lead.preferred_channel,
        last_channel=lead.last_channel,
    )
    first = None
    for step in sequence.steps:
        route = route_step(sequence, step, ways, journey)
        if route.channel is None:
            reasons = {reach.blocked for reach in route.blocked}
            if "NO_TEMPLATE" in reasons:
                return None, "NO_TEMPLATE"
            if step.number == 1:
                return None, "NO_CHANNEL"
            continue
        first = first or route.channel
        template = templates.get(sequence.texts(step)[route.channel])
        # Versions are compared on leads that any of them could go to.
        if template is None or not all(
            _fits(lead, step, text) for text in template.texts
        ):
            return None, "NO_TEMPLATE"
        journey = evolve(journey, last_channel=route.channel)
    return first, ""


def _fits(lead: Enrollable, step: Step, template: MessageTemplate) -> bool:
    # A mail will have its link when it is sent.
    link = {LINK_FIELD: "https://"} if template.channel in MAIL else {}
    # And an intro, as long as one can be, where its text has a place for it.
    fields = with_intro(template, lead.fields, FULL)
    wanted = [(template.content, _LIMITS.get(template.channel, MAIL_LIMIT))]
    if template.subject:
        wanted.append((template.subject, SUBJECT_LIMIT))
    try:
        for content, limit in wanted:
            parse(content).render(
                {**fields, **link},
                declared=template.variables,
                seed=seed(lead.lead, step.id, template.version),
                limit=limit,
            )
    except TemplateError:
        return False
    return True


def check_steps(sequence: Steps, templates: Sequence[MessageTemplate]) -> None:
    """Every step's template is there, approved, readable and of its channel; mail has
    a subject of one line, and nothing else has any.

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
        for text in template.texts:
            parse(text.content)
            _check_subject(text)


def _check_subject(template: MessageTemplate) -> None:
    where = f"template {template.called!r}"
    subject = template.subject
    if template.channel not in HOLDING:
        if subject:
            message = (
                f"{where}: a {template.channel} message has no subject: "
                f"remove subject {subject!r}"
            )
            raise Misconfigured(message)
        return
    if not subject.strip():
        message = f"{where}: a mail needs a subject, also one that follows up: add one"
        raise Misconfigured(message)
    if len(subject.splitlines()) > 1:
        message = f"{where}: subject {subject!r} must be one line"
        raise Misconfigured(message)
    if INTRO_FIELD in parse(subject).variables:
        message = f"{where}: its subject holds {{{{{INTRO_FIELD}}}}}: only its text may"
        raise Misconfigured(message)


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
