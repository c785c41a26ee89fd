"""Sequences, their steps, templates with versions, and enrolments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

from outreach.domain.channel import Channel, State
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import (
    CampaignId,
    EnrolmentId,
    LeadId,
    SequenceId,
    StepId,
    TemplateId,
)
from outreach.domain.template import Variable
from outreach.domain.version import PLAIN, Version, draw

__all__ = [
    "LONGEST",
    "SILENCE",
    "Campaign",
    "Enrolment",
    "EnrolmentStatus",
    "MessageTemplate",
    "Override",
    "Sequence",
    "Step",
    "follow",
]

LONGEST: Final = 10
"""Steps a sequence may have."""
SILENCE: Final = timedelta(days=7)
"""Without an answer this long after the last step, a lead is DEAD (NO_ANSWER)."""


def _by_label(versions: Iterable[Version]) -> tuple[Version, ...]:
    return tuple(sorted(versions, key=lambda one: one.label))


@frozen
class MessageTemplate:
    """A text in the template language, or several that run beside each other.

    Attributes:
        content, subject: empty while there are versions, which have their own.
        language: of the text, for suggested replies; empty if it does not matter.
        version: number of the newest text.
        versions: by label; none: the one text is all there is.
        label: of the version that this is one text of; empty: of none.
        since: number from which texts have the versions and weights of today.
        winner: label of the version that new leads get from now on; empty: each gets
            its own.
        picked_by: who picked the winner.
    """

    id: TemplateId
    name: str
    channel: Channel
    content: str
    variables: tuple[Variable, ...] = ()
    subject: str = ""
    language: str = ""
    version: int = 1
    approved: bool = True
    versions: tuple[Version, ...] = field(default=(), converter=_by_label)
    label: str = ""
    since: int = 1
    winner: str = ""
    picked_by: str = ""

    @property
    def called(self) -> str:
        """Its name, and the label of the version that this is."""
        return f"{self.name} {self.label}".strip()

    @property
    def texts(self) -> tuple[MessageTemplate, ...]:
        """Each version as a template of its own."""
        if not self.versions:
            return (self,)
        return tuple(map(self._only, self.versions))

    def for_lead(self, lead: LeadId, had: str = "") -> MessageTemplate:
        """The text that a lead gets.

        Args:
            had: label of the version that it was sent before; empty: none was.
        """
        if not self.versions:
            return self
        by_label = {one.label: one for one in self.versions}
        kept = by_label.get(had) or by_label.get(self.winner)
        return self._only(kept or draw(lead, self.id, self.versions))

    def _only(self, one: Version) -> MessageTemplate:
        return evolve(
            self,
            content=one.content,
            subject=one.subject,
            version=one.number,
            versions=(),
            label=one.label,
        )

    def after(self, known: MessageTemplate | None) -> MessageTemplate:
        """What is stored when this replaces *known*: equal to it if nothing changes.

        A changed text has a new number under its label. Other versions or weights begin
        anew: every text has a new number, and nobody has won yet.
        """
        if known is None:
            return _numbered(self, 0, {})
        new = evolve(
            self,
            id=known.id,
            version=known.version,
            since=known.since,
            winner=known.winner,
            picked_by=known.picked_by,
        )
        if _weights(new) != _weights(known):
            new = evolve(new, since=known.version + 1, winner="", picked_by="")
            return _numbered(new, known.version, {})
        if _bare(new) != _bare(known):
            return _numbered(new, known.version, {})
        kept = {_text(one): one.number for one in _runs(known)}
        return _numbered(new, known.version, kept)


def _runs(template: MessageTemplate) -> tuple[Version, ...]:
    """Its versions; its only text as one."""
    alone = Version(PLAIN, template.content, template.subject, number=template.version)
    return template.versions or (alone,)


def _weights(template: MessageTemplate) -> dict[str, int]:
    return {one.label: one.weight for one in _runs(template)}


def _text(version: Version) -> tuple[str, str, str]:
    return version.label, version.content, version.subject


def _bare(template: MessageTemplate) -> MessageTemplate:
    """All but its texts and their numbers."""
    return evolve(template, content="", subject="", versions=(), version=0)


def _numbered(
    template: MessageTemplate, last: int, kept: Mapping[tuple[str, str, str], int]
) -> MessageTemplate:
    """With the numbers that its texts had, and new ones after *last*."""
    numbered = []
    for one in _runs(template):
        number = kept.get(_text(one))
        if number is None:
            number = last = last + 1
        numbered.append(evolve(one, number=number))
    versions = tuple(numbered) if template.versions else ()
    return evolve(template, versions=versions, version=last)


@frozen
class Step:
    """One message of a sequence.

    Attributes:
        id: stable over versions of the sequence.
        number: from 1.
        channel: None lets the router choose (``AUTO``).
        delay: after the previous step was really sent; for the first, after
            enrolment.
        template: name of the template for the step's channel.
        fallback_template: name for the fall-back channel; None skips leads there.
    """

    id: StepId
    number: int
    channel: Channel | None
    delay: timedelta
    template: str
    fallback_template: str | None = None
    skip_if_replied: bool = True
    skip_if_opened: bool = False


@frozen
class Sequence:
    """Up to ten steps and the rules they share.

    Raises:
        Misconfigured: no step, too many, or a rule that is not allowed for cold
            channels.
    """

    id: SequenceId
    name: str
    primary_channel: Channel
    steps: tuple[Step, ...] = field()
    fallback_channel: Channel | None = None
    description: str = ""
    respect_hours: bool = True
    time_zone: str | None = None
    stop_on_reply: bool = True
    stop_on_bounce: bool = True
    max_attempts: int = field(default=5, validator=validators.ge(1))
    silence: timedelta = SILENCE
    version: int = 1

    @steps.validator
    def _count(self, _attribute: object, steps: tuple[Step, ...]) -> None:
        if not 1 <= len(steps) <= LONGEST:
            message = (
                f"sequence {self.name!r} has {len(steps)} steps: "
                f"write 1 to {LONGEST} [[step]] tables"
            )
            raise Misconfigured(message)
        numbers = [step.number for step in steps]
        if numbers != list(range(1, len(steps) + 1)):
            message = (
                f"sequence {self.name!r} has steps numbered {numbers}: "
                "number them from 1, in order"
            )
            raise Misconfigured(message)
        for step in steps:
            if step.delay < timedelta():
                message = (
                    f"sequence {self.name!r}, step {step.number}: a delay of "
                    f"{step.delay} lies in the past; give 0 or more"
                )
                raise Misconfigured(message)

    def __attrs_post_init__(self) -> None:
        """Refuse what would harm people on cold channels."""
        used = [self.primary_channel, *(step.channel or "AUTO" for step in self.steps)]
        if self.fallback_channel is not None:
            used.append(self.fallback_channel)
        cold = [one for one in used if one is not Channel.EMAIL_WARM]
        for name in ("respect_hours", "stop_on_reply"):
            if cold and not getattr(self, name):
                message = (
                    f"sequence {self.name!r}: {name} = false is not allowed on "
                    f"{cold[0]}; remove it"
                )
                raise Misconfigured(message)

    def step(self, number: int) -> Step | None:
        """The step with this number (from 1), or None past the end."""
        return self.steps[number - 1] if 1 <= number <= len(self.steps) else None

    def texts(self, step: Step) -> dict[Channel, str]:
        """Names of a step's templates, by the channel that each is for."""
        texts = {step.channel or self.primary_channel: step.template}
        if self.fallback_channel is not None and step.fallback_template is not None:
            texts.setdefault(self.fallback_channel, step.fallback_template)
        return texts

    @property
    def followups(self) -> int:
        """WhatsApp messages that a phone may owe a lead after its first, at most.

        A step counts if it goes out by WhatsApp, or can as its fall-back.
        """
        own = [step.channel or self.primary_channel for step in self.steps]
        falls_back = self.fallback_channel is Channel.WHATSAPP
        touches = sum(
            channel is Channel.WHATSAPP
            or (falls_back and step.fallback_template is not None)
            for step, channel in zip(self.steps, own, strict=True)
        )
        return max(0, touches - 1)


class EnrolmentStatus(StrEnum):
    """Whether a run of a sequence goes on."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    STOPPED = "STOPPED"


@frozen
class Enrolment:
    """One run of one sequence for one lead.

    Attributes:
        current_step: number of the step that waits or was sent last; 0 before.
    """

    id: EnrolmentId
    lead: LeadId
    sequence: SequenceId
    sequence_version: int
    campaign: CampaignId | None
    status: EnrolmentStatus
    current_step: int
    total_steps: int
    stop_reason: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it may still send."""
        return self.status in {EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED}


@frozen
class Override:
    """Leads were enrolled although the phones cannot keep up, knowingly.

    Attributes:
        reason: in words; by: who said so.
    """

    reason: str
    by: str


@frozen
class Campaign:
    """One enrolment batch of one sequence.

    Attributes:
        override: None: it was within what is sustainable when it was enrolled.
    """

    id: CampaignId
    sequence: SequenceId
    name: str
    override: Override | None = None


def follow(
    sequence: Sequence,
    sent: Step,
    sent_at: datetime,
    state: State,
    possible: Callable[[Step], object] = lambda _: True,
) -> tuple[Step | None, datetime]:
    """The step after *sent* and its due time.

    Without a further step: (None, when silence ends the journey). A step that is
    skipped once the lead has replied is passed over, and one that no channel is
    *possible* for.
    """
    replied = state not in {State.COLD, State.CONTACTED_WA, State.CONTACTED_EMAIL}
    due = sent_at
    number = sent.number
    while (step := sequence.step(number := number + 1)) is not None:
        due += step.delay
        if possible(step) and not (replied and step.skip_if_replied):
            return step, due
    return None, sent_at + sequence.silence
