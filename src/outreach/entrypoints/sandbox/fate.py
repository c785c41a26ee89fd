"""What becomes of one accepted message: how far it gets and who says what.

A fate is a pure function of the seed, the behaviour and the circumstances of the
message, which the acceptance log keeps; so a restart foretells the same.
Every delay is in seconds of engine time from the acceptance.
"""

from __future__ import annotations

from typing import Final

import attrs

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.phrases import (
    AUTOMATIC,
    MEDIA,
    PHRASES,
    REACTIONS,
    Media,
    ReplyKind,
)

__all__ = [
    "ANSWERING",
    "Circumstances",
    "Fate",
    "Reaction",
    "Utterance",
    "foretell",
]

_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
_FORCED_LATEST: Final = 30 * _MINUTE
_DAY: Final = 24 * _HOUR

# They know us by now: no wrong number, no autoreply.
ANSWERING: Final = {
    ReplyKind.INTERESTED.value: 40.0,
    ReplyKind.QUESTION.value: 20.0,
    ReplyKind.PRICE.value: 15.0,
    ReplyKind.NEUTRAL.value: 10.0,
    ReplyKind.NOT_INTERESTED.value: 8.0,
    ReplyKind.EMOJI.value: 4.0,
    ReplyKind.POLITE_OPT_OUT.value: 3.0,
}


@attrs.frozen
class Circumstances:
    """What a message finds: the person, and what passed between us before.

    `ordinal` counts our messages to this person from 1, `turns` those of ours
    that the person has answered, `stopped` says that the person asked for
    silence, `forced` names a reply that has to happen now.
    """

    to: str
    ordinal: int
    turns: int = 0
    stopped: bool = False
    forced: str | None = None


@attrs.frozen
class Utterance:
    kind: ReplyKind
    language: str
    text: str
    delay_s: float
    media: Media | None = None
    in_group: bool = False


@attrs.frozen
class Reaction:
    emoji: str
    delay_s: float


@attrs.frozen
class Fate:
    """Times after acceptance; None is never."""

    sent_s: float | None
    delivered_s: float | None = None
    read_s: float | None = None
    failed_s: float | None = None
    utterances: tuple[Utterance, ...] = ()
    reaction: Reaction | None = None
    takeover_s: float | None = None

    def history(self, age_s: float) -> list[tuple[str, float]]:
        """List the statuses reached at this age, in the vendor's words."""
        steps = (
            ("Sending", 0.0),
            ("Sent", self.sent_s),
            ("Delivered", self.delivered_s),
            ("Read", self.read_s),
            ("Failed", self.failed_s),
        )
        return [
            (word, after)
            for word, after in steps
            if after is not None and after <= age_s
        ]


def foretell(seed: int, behaviour: Behaviour, about: Circumstances) -> Fate:
    """Say what will become of a message."""
    draw = Draw.about(seed, "fate", about.to, about.ordinal)
    person = Draw.about(seed, "person", about.to)
    sent = draw.between("sent", 1.0, 8.0)
    if about.forced is None:
        if not draw.happens("acknowledged", behaviour.acknowledged):
            return Fate(sent_s=None)
        if person.happens("not on whatsapp", behaviour.not_on_whatsapp):
            return Fate(sent_s=None, failed_s=sent)
        if draw.happens("never delivered", behaviour.never_delivered):
            return Fate(sent_s=sent)
    utterances = _utterances(draw, person, behaviour, about)
    delivered = sent + min(draw.long_tailed("delivered", median=8, spread=2), _DAY)
    read = delivered + draw.long_tailed("read after", median=900, spread=1.5)
    has_read = draw.happens("read", behaviour.read)
    if utterances:
        first = utterances[0]
        delivered = min(delivered, sent + (first.delay_s - sent) / 3)
        if first.kind not in AUTOMATIC:
            has_read, read = True, min(read, sent + (first.delay_s - sent) * 2 / 3)
    return Fate(
        sent_s=sent,
        delivered_s=delivered,
        read_s=read if has_read else None,
        utterances=utterances,
        reaction=_reaction(draw, behaviour, read),
        takeover_s=_takeover(draw, behaviour, utterances),
    )


def _utterances(
    draw: Draw, person: Draw, behaviour: Behaviour, about: Circumstances
) -> tuple[Utterance, ...]:
    kind = _kind(draw, behaviour, about)
    if kind is None:
        return ()
    language = person.weighted("language", behaviour.languages)
    delay = _delay(draw, behaviour, about, kind)
    said = [_say(draw, kind, language, delay)]
    if kind not in AUTOMATIC and draw.happens("burst", behaviour.burst_of_replies):
        more = draw.one_of("more", (ReplyKind.QUESTION, ReplyKind.PRICE))
        said.append(_say(draw, more, language, delay + draw.between("gap", 5, 90)))
    if draw.happens("group", behaviour.group_message):
        aside = _say(
            draw, ReplyKind.NEUTRAL, language, draw.between("aside", 60, _HOUR)
        )
        said.append(attrs.evolve(aside, in_group=True))
    return tuple(said)


def _kind(draw: Draw, behaviour: Behaviour, about: Circumstances) -> ReplyKind | None:
    if about.forced is not None:
        return ReplyKind(about.forced)
    if about.stopped:
        return ReplyKind.ANGRY
    if about.turns > 0:
        goes_on = about.turns <= behaviour.answered_turns
        if goes_on and draw.happens("reply", behaviour.reply_to_answer):
            return ReplyKind(draw.weighted("kind", ANSWERING))
        return None
    share = (
        behaviour.reply_to_first if about.ordinal == 1 else behaviour.reply_to_followup
    )
    if draw.happens("reply", share):
        return ReplyKind(draw.weighted("kind", behaviour.replies))
    return None


def _delay(
    draw: Draw, behaviour: Behaviour, about: Circumstances, kind: ReplyKind
) -> float:
    if kind in AUTOMATIC:
        return draw.between("automatic", 10, 40)
    if about.forced is not None:
        return draw.between("forced", 2 * _MINUTE, _FORCED_LATEST)
    delay = draw.long_tailed(
        "reply after",
        median=behaviour.reply_median_engine_s,
        spread=behaviour.reply_spread,
    )
    return max(min(delay, behaviour.reply_latest_engine_s), _MINUTE)


def _say(draw: Draw, kind: ReplyKind, language: str, delay_s: float) -> Utterance:
    text = draw.one_of(f"words of {kind}", PHRASES[kind][language])
    media = draw.one_of("media", MEDIA) if kind is ReplyKind.MEDIA else None
    return Utterance(kind, language, text, delay_s, media)


def _reaction(draw: Draw, behaviour: Behaviour, read_s: float) -> Reaction | None:
    if not draw.happens("reaction", behaviour.reaction):
        return None
    emoji = draw.one_of("emoji", REACTIONS)
    return Reaction(emoji, read_s + draw.between("reacts", 2, 600))


def _takeover(
    draw: Draw, behaviour: Behaviour, utterances: tuple[Utterance, ...]
) -> float | None:
    if not utterances or not draw.happens("takeover", behaviour.takeover):
        return None
    return utterances[0].delay_s + draw.between("takes over", 60, 1800)
