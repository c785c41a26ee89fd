"""From a decision to what T1 is asked, and from an answer to what T2 is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.budget import UnitSlot, effective_limit
from outreach.domain.case import Case
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.decision import Decision, Reason, Verdict
from outreach.domain.errors import TemplateError
from outreach.domain.health import heard
from outreach.domain.heard import Heard
from outreach.domain.ids import AttemptId, attempt_id, review_id, step_intent_id
from outreach.domain.intro import with_intro
from outreach.domain.link import LINK_FIELD, MAIL, Link, LinkKind, spoken, with_link
from outreach.domain.message import (
    Accepted,
    Aftermath,
    Answer,
    Draft,
    NextStep,
    NotAccepted,
    Outcome,
    Parcel,
    Refusal,
    Refused,
    Result,
    UnknownOutcome,
)
from outreach.domain.review import (
    Priority,
    ReviewCalendar,
    ReviewItem,
    ReviewReason,
    fingerprint,
    sla_due,
)
from outreach.domain.sender import SendClass, Sender, SenderSignal
from outreach.domain.sequence import MessageTemplate, Step, follow
from outreach.domain.template import (
    MAIL_LIMIT,
    SUBJECT_LIMIT,
    WHATSAPP_LIMIT,
    Rendered,
    parse,
    seed,
)
from outreach.domain.version import PLAIN, TextUsed
from outreach.domain.window import local_day

__all__ = [
    "TRIES",
    "Ended",
    "draft_of",
    "limit_of",
    "render",
    "rerouted",
    "result_of",
    "subject_of",
    "unsubscribe_link",
]

TRIES: Final = 5
"""Calls for one message that may fail, unclear why, before a person looks; a
sequence may set another number."""

_REPLIES: Final = frozenset({SendClass.APPROVED, SendClass.AI})
_MOVES: Final = {
    Channel.WHATSAPP: State.CONTACTED_WA,
    Channel.EMAIL_COLD: State.CONTACTED_EMAIL,
}


def render(case: Case) -> str | None:
    """The text of a message; None: the lead lacks what the template needs, or what
    its subject does.

    The same lead, step and version give the same text, whoever asks. A mail holds the
    case's link to unsubscribe: where its template has it, else as its last line.
    """
    template = case.template
    link = (case.unsubscribe or "") if case.intent.channel in MAIL else ""
    if case.intent.text or template is None:
        written = case.intent.text or None
        return written and with_link(written, link, _language(case))
    mail = case.intent.channel is not Channel.WHATSAPP
    if mail and subject_of(case) is None:
        return None
    filled = _filled(case, template, template.content, _limit(case), link)
    if filled is None:
        return None
    return with_link(filled.text, link, _language(case))


def subject_of(case: Case) -> str | None:
    """The subject of a mail, drawn as its text is; empty: it has none.

    None: the lead lacks what the template's subject needs.
    """
    template = case.template
    if case.intent.channel is Channel.WHATSAPP or case.intent.text or template is None:
        return case.intent.subject
    if not template.subject:
        return ""
    filled = _filled(case, template, template.subject, SUBJECT_LIMIT)
    return None if filled is None else filled.text


def _used(case: Case) -> TextUsed | None:
    """Which text the message is made of; None: of none, or it is frozen."""
    template = case.template
    if case.intent.text or template is None:
        return None
    link = case.unsubscribe or ""
    filled = _filled(case, template, template.content, _limit(case), link)
    variant = "" if filled is None else filled.variant
    return TextUsed(template.id, template.label or PLAIN, template.version, variant)


def _limit(case: Case) -> int:
    return WHATSAPP_LIMIT if case.intent.channel is Channel.WHATSAPP else MAIL_LIMIT


def _filled(
    case: Case, template: MessageTemplate, content: str, limit: int, link: str = ""
) -> Rendered | None:
    drawn = seed(case.intent.lead, case.intent.step or template.id, template.version)
    fields = with_intro(template, case.fields, case.intro)
    try:
        return parse(content).render(
            {**fields, LINK_FIELD: link} if link else fields,
            declared=template.variables,
            seed=drawn,
            limit=limit,
        )
    except TemplateError:
        return None


def _language(case: Case) -> str:
    """Of the text, else the lead's."""
    written = "" if case.template is None else case.template.language
    return spoken(written, case.fields.get("language", ""))


def unsubscribe_link(case: Case) -> tuple[Link, str] | None:
    """What the link of a message says, and the language of its page; None: no mail."""
    intent = case.intent
    if intent.channel not in MAIL:
        return None
    kind = LinkKind.UNSUBSCRIBE
    link = Link(kind, intent.tenant, intent.lead, intent.id, intent.channel)
    return link, _language(case)


def limit_of(sender: Sender, at: datetime) -> int:
    """New contacts the sender may make on its day at *at*."""
    day = local_day(at, sender.time_zone)
    return effective_limit(sender.daily_limit, sender.warm_up, day)


def draft_of(case: Case, sender: Sender, made: Decision, text: str) -> Draft:
    """What T1 is asked to arm for a decision to send.

    Raises:
        ChannelSegregationError: the lead's state does not permit the channel.
        ValueError: the decision was not to send.
    """
    if made.terms is None:
        message = f"intent {case.intent.id} was decided {made.verdict}, not SEND"
        raise ValueError(message)
    intent = case.intent
    n = intent.armed + 1
    return Draft(
        parcel=Parcel(
            attempt=attempt_id(intent.id, n),
            intent=intent.id,
            permit=Permit(intent.channel, case.journey.state),
            account=sender.account,
            sender=sender.id,
            sender_number=sender.number,
            to=case.to,
            text=text,
            subject=subject_of(case) or "",
            thread=case.thread,
            campaign="" if case.hosting is None else case.hosting.ref,
            unsubscribe=case.unsubscribe or "",
            sender_ref=sender.account_ref,
        ),
        n=n,
        lead=intent.lead,
        unit=made.terms.unit,
        lead_version=case.journey.version,
        states=made.terms.states,
        addresses=case.addresses,
        valid_until=made.terms.valid_until,
        send_class=case.counts_as,
        automatic=intent.send_class is not SendClass.APPROVED,
        limit=limit_of(sender, made.at),
        aftermath=_aftermath(case, made.at),
        slot=UnitSlot(sender.id, local_day(made.at, sender.time_zone)),
        shares=made.terms.shares,
        used=_used(case),
    )


def _aftermath(case: Case, at: datetime) -> Aftermath:
    move = _MOVES.get(case.intent.channel)
    plan = case.sequence
    enrolment = case.intent.enrolment
    sent = None if plan is None else plan.step(case.intent.step_number)
    if plan is None or sent is None or enrolment is None:
        return Aftermath(move, None, None)
    step, due = follow(
        plan, sent, at, case.journey.state, lambda later: _goes_by(case, later)
    )
    channel = None if step is None else _goes_by(case, step)
    if step is None or channel is None:
        return Aftermath(move, None, plan.silence)
    following = NextStep(
        intent=step_intent_id(case.intent.tenant, enrolment, step.id),
        step=step.id,
        number=step.number,
        channel=channel,
        delay=due - at,
    )
    return Aftermath(move, following, None)


def _goes_by(case: Case, later: Step) -> Channel | None:
    """The channel of a step once this message is sent; None: none leads there."""
    route = case.route(later, last=case.intent.channel)
    if route is not None or case.sequence is None:
        return None if route is None else route.channel
    return later.channel or case.sequence.primary_channel


@frozen
class Ended:
    """A call that ended, with what decides how things go on.

    Attributes:
        now: engine time of the claim.
        gap: drawn rest of the lane after a call.
        wait: drawn rest after a refusal for now without a time of its own.
    """

    attempt: AttemptId
    token: int
    answer: Answer
    now: datetime
    gap: timedelta
    wait: timedelta
    calendar: ReviewCalendar


def result_of(case: Case, ended: Ended) -> Result:
    """What T2 is told about a call."""
    answer = ended.answer
    sender, channel = case.sender, case.intent.channel
    said = Heard.NOTHING if sender is None else heard(answer, sender, channel)
    plain = Result(
        attempt=ended.attempt,
        tenant=case.intent.tenant,
        token=ended.token,
        outcome=Outcome.UNKNOWN,
        gap=ended.gap,
        aftermath=_aftermath(case, ended.now),
        heard=said,
    )
    return _with_answer(plain, case, ended, answer)


def _with_answer(plain: Result, case: Case, ended: Ended, answer: Answer) -> Result:
    match answer:
        case Accepted(ref=ref, thread=thread):
            return evolve(plain, outcome=Outcome.ACCEPTED, ref=ref, thread=thread)
        case UnknownOutcome(detail=detail):
            return evolve(plain, detail=detail)
        case Refused(kind=Refusal.COLD_RESTRICTED, detail=detail, until=until):
            return evolve(
                plain,
                outcome=Outcome.REFUSED,
                detail=detail,
                keep_unit=True,
                review=_failed(case, ended, detail),
                signal=SenderSignal.LOCKED,
                signal_until=until,
            )
        case Refused(kind=kind, detail=detail):
            says = f"{kind}: {detail}"
            looks = kind is Refusal.REJECTED or case.intent.send_class in _REPLIES
            return evolve(
                plain,
                outcome=Outcome.REFUSED,
                detail=says,
                review=_failed(case, ended, says) if looks else None,
                nobody_there=kind is Refusal.INVALID_RECIPIENT,
                fall_back_to=None if looks else _elsewhere(case),
            )
        case NotAccepted(lane=True, detail=detail, retry_after=after, signal=signal):
            return evolve(
                plain,
                outcome=Outcome.RELEASED,
                detail=detail,
                lane_refused=True,
                gap=ended.gap if after is not None else max(ended.gap, ended.wait),
                rest=after or timedelta(),
                signal=signal,
            )
        case NotAccepted(detail=detail, signal=signal):
            tries = TRIES if case.sequence is None else case.sequence.max_attempts
            last = case.intent.attempts + 1 >= tries
            return evolve(
                plain,
                outcome=Outcome.RELEASED,
                detail=detail,
                retry_in=ended.wait * 2**case.intent.attempts,
                review=_failed(case, ended, detail) if last else None,
                signal=signal,
            )


def _elsewhere(case: Case) -> Channel | None:
    """Where the same step can still reach the lead, if nobody is there."""
    plan = case.sequence
    step = None if plan is None else plan.step(case.intent.step_number)
    route = None if step is None else case.route(step, gone=case.intent.channel)
    return None if route is None else route.channel


def rerouted(case: Case, made: Decision) -> tuple[Decision, Channel] | None:
    """Another channel for a message whose own has become impossible, with a decision
    that says so; None: there is none, or something else is in the way.
    """
    plan = case.sequence
    step = None if plan is None else plan.step(case.intent.step_number)
    if made.binding is not Reason.NO_CHANNEL or step is None:
        return None
    route = case.route(step, gone=None if case.to else case.intent.channel)
    to = None if route is None else route.channel
    if route is None or to is None or to is case.intent.channel:
        return None
    block = evolve(
        made.block,
        inputs=(*made.block.inputs, ("to", str(to)), ("why", route.why)),
        until=made.at,
        final=False,
    )
    moved = evolve(
        made,
        verdict=Verdict.DEFER,
        blocks=(block,),
        earliest=made.at,
        flips=(block.flip,),
    )
    return moved, to


def _failed(case: Case, ended: Ended, detail: str) -> ReviewItem:
    """The lead is not to blame, or a person waits for it: a person looks."""
    return ReviewItem(
        id=review_id(f"attempt/{ended.attempt}"),
        tenant=case.intent.tenant,
        lead=case.intent.lead,
        reason=ReviewReason.SEND_FAILED,
        priority=Priority.MEDIUM,
        opened_at=ended.now,
        sla_due_at=sla_due(Priority.MEDIUM, ended.now, ended.calendar),
        trigger=detail,
        fingerprint=fingerprint(case.to, case.intent.channel, detail, ended.now),
    )
