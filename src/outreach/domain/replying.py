"""What a reply is answered with: by which template, drafted by whom, sent by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.analysis import UNDETERMINED, Analysis, Reply, ReplyIntent
from outreach.domain.change import Known
from outreach.domain.channel import Channel, State
from outreach.domain.drafting import Composed, Draft, Request, composed, offer
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EventId, unattended_id
from outreach.domain.journey import DeadCause
from outreach.domain.message import Intent
from outreach.domain.review import ReviewCalendar
from outreach.domain.sender import SendClass
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import seed
from outreach.domain.timing import Timing
from outreach.domain.triage import Circumstances, ReplyTemplate, Triage, triage
from outreach.domain.window import local_day

__all__ = [
    "Received",
    "again",
    "answer_to",
    "circumstances",
    "drafts_from",
    "reply_templates",
    "unattended",
]

_REPLY_PREFIX: Final = "reply-"


@frozen
class Received:
    """An event with all that a reaction needs beside the lead.

    Attributes:
        id: of the stored event.
        analysis: of a reply; None for other events.
        templates: active templates of the tenant.
        draft: of an answer; None: nobody drafts for this tenant.
        unattended: the tenant lets approved templates go out without a person.
        undo: engine time in which such an answer can be taken back.
        calendar: when the tenant's reviewers work; None only where nobody is asked.
    """

    id: EventId
    event: SystemEvent
    analysis: Analysis | None = None
    templates: tuple[MessageTemplate, ...] = ()
    calendar: ReviewCalendar | None = None
    draft: Draft | None = None
    unattended: bool = False
    undo: timedelta = Timing().undo


def drafts_from(known: Known, received: Received) -> Request | None:
    """What an answer may be drafted from; None: nothing is to be answered.

    Only templates that triage itself would have chosen are offered.
    """
    analysis = received.analysis
    if analysis is None:
        return None
    about = circumstances(known, received)
    fitting = []
    for one in about.replies:
        only = evolve(about, replies=(one,))
        if triage(analysis, only).reply is not None:
            fitting.append(one.name)
    if not fitting:
        return None
    offered = tuple(offer(t) for t in received.templates if t.name in fitting)
    return Request(received.event.content, _spoken(known, analysis), offered)


def _spoken(known: Known, analysis: Analysis) -> str:
    told = analysis.language != UNDETERMINED
    return analysis.language if told else known.language


def reply_templates(
    templates: Sequence[MessageTemplate],
) -> tuple[ReplyTemplate, ...]:
    """Templates that answer replies: named ``reply-interested``, ``reply-question``."""
    known = {intent.lower().replace("_", "-"): intent for intent in ReplyIntent}
    return tuple(
        ReplyTemplate(
            name=template.name,
            language=template.language,
            intents=frozenset({intent}),
            approved=template.approved,
        )
        for template in templates
        if template.name.startswith(_REPLY_PREFIX)
        and (intent := _answers(template.name, known)) is not None
    )


def _answers(name: str, known: dict[str, ReplyIntent]) -> ReplyIntent | None:
    rest = name.removeprefix(_REPLY_PREFIX)
    return next((i for word, i in known.items() if rest.startswith(word)), None)


def circumstances(known: Known, received: Received) -> Circumstances:
    """What triage looks at beside the analysis."""
    journey = known.journey
    lost = journey.dead_cause is DeadCause.LOST
    reply = Reply(received.event.content, media=received.event.media)
    by_phone = received.event.channel is Channel.WHATSAPP
    fitting = [
        one
        for one in received.templates
        if (one.channel is Channel.WHATSAPP) == by_phone
    ]
    return Circumstances(
        received_on=local_day(known.now, known.time_zone),
        warm=not lost and not journey.opted_out and not journey.human_controlled,
        language=known.language,
        media_only=reply.media_only,
        late=lost or journey.state is State.CONVERTED,
        replies=reply_templates(fitting),
        ai_replies_today=known.ai_replies_today,
        # Never to a machine, and not over the head of a person at work on the lead.
        unattended=received.unattended
        and received.event.type is EventType.REPLY
        and known.review is None
        and bool(known.number if by_phone else known.email),
    )


def answer_to(known: Known, received: Received, findings: Triage) -> Composed:
    """The text that would answer, and what speaks against sending it as it is."""
    if findings.reply is None:
        return Composed("")
    draft = received.draft
    name = findings.reply.template
    if draft is not None and draft.template is not None:
        offered = drafts_from(known, received)
        if offered and any(o.name == draft.template for o in offered.offered):
            name = draft.template
    template = next(t for t in received.templates if t.name == name)
    return composed(
        draft,
        template,
        fields=known.fields,
        library=received.templates,
        language=template.language,
        seed=seed(known.journey.lead, template.id, template.version),
    )


def unattended(known: Known, received: Received, text: str) -> Intent:
    """Goes out unless a person, or a further message, takes it back."""
    mail = received.event.channel is not Channel.WHATSAPP
    return Intent(
        id=unattended_id(known.tenant, received.id),
        tenant=known.tenant,
        lead=known.journey.lead,
        send_class=SendClass.AI,
        channel=Channel.EMAIL_WARM if mail else Channel.WHATSAPP,
        due_at=known.now + received.undo,
        text=text,
        subject=again(received.event.subject) if mail else "",
    )


def again(subject: str) -> str:
    """The subject of an answer: once ``Re:``, however often it went to and fro."""
    said = subject.strip()
    return said if said.lower().startswith("re:") else f"Re: {said}".strip()
