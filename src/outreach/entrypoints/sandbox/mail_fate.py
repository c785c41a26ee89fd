"""What becomes of one mail: a pure function of the seed and its circumstances.

Every delay is in seconds of engine time from the moment the mail left.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.fate import ANSWERING
from outreach.entrypoints.sandbox.phrases import PHRASES, ReplyKind

__all__ = ["Bounce", "MailCircumstances", "MailFate", "Said", "foretell_mail"]

_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
_LATEST_READ: Final = 3 * 24 * _HOUR
_BAD_LOCAL_PARTS: Final = ("bounce", "nu-exista", "invalid")
_AUTOMATIC: Final = {
    "ro": "Mesaj automat: sunt în concediu până pe {date}. Revin la întoarcere.",
    "en": "Automatic reply: I am out of the office until {date}.",
    "ru": "Автоответ: я в отпуске до {date}.",
}


@attrs.frozen
class MailCircumstances:
    """What a mail finds. See `fate.Circumstances`; `warm` is a mail to who wrote.

    `at_s` is the engine time at which it left (Unix seconds).
    """

    to: str
    ordinal: int
    turns: int
    stopped: bool
    forced: str | None
    warm: bool
    at_s: float


@attrs.frozen
class Bounce:
    permanent: bool
    code: str
    says: str
    delay_s: float


@attrs.frozen
class Said:
    """A reply; an automatic one names the day of return."""

    kind: ReplyKind
    language: str
    text: str
    delay_s: float

    @property
    def automatic(self) -> bool:
        return self.kind is ReplyKind.OUT_OF_OFFICE


@attrs.frozen
class MailFate:
    """Times after it left; None is never.

    `scans` are visits of a filter to every link, `posts_s` is when the person uses
    our link to unsubscribe, `leaves_s` when they use the vendor's.
    """

    bounce: Bounce | None = None
    delivered_s: float | None = None
    opened_s: float | None = None
    complained_s: float | None = None
    said: tuple[Said, ...] = ()
    scans: tuple[float, ...] = ()
    posts_s: float | None = None
    leaves_s: float | None = None


def foretell_mail(seed: int, knobs: Behaviour, about: MailCircumstances) -> MailFate:
    """Say what will become of a mail."""
    draw = Draw.about(seed, "mail", about.to, about.ordinal)
    if about.forced is None and (bounce := _bounce(seed, draw, knobs, about.to)):
        return MailFate(bounce=bounce)
    delivered = min(draw.long_tailed("delivered", median=6, spread=1), _HOUR)
    read = delivered + min(
        draw.long_tailed("read after", median=2 * _HOUR, spread=1.2), _LATEST_READ
    )
    said = _said(seed, draw, knobs, about)
    return MailFate(
        delivered_s=delivered,
        opened_s=read if draw.happens("opened", knobs.mail_opened) else None,
        complained_s=_later(draw, "complained", knobs.mail_complained, read),
        said=said,
        scans=_scans(draw, knobs, delivered),
        posts_s=_later(draw, "unsubscribed", knobs.mail_unsubscribed, read),
        leaves_s=_later(draw, "left", knobs.mail_left, read),
    )


def _bounce(seed: int, draw: Draw, knobs: Behaviour, to: str) -> Bounce | None:
    """An address is dead for every mail; a full mailbox is so for one."""
    local = to.partition("@")[0].lower()
    address = Draw.about(seed, "address", to)
    delay = draw.between("bounced after", 2, 10 * _MINUTE)
    if local.startswith(_BAD_LOCAL_PARTS) or address.happens(
        "dead", knobs.mail_bounced
    ):
        says = f"550 5.1.1 <{to}>: Recipient address rejected: User unknown"
        return Bounce(permanent=True, code="5.1.1", says=says, delay_s=delay)
    if draw.happens("full", knobs.mail_soft_bounced):
        says = f"452 4.2.2 <{to}>: Mailbox is over quota"
        return Bounce(permanent=False, code="4.2.2", says=says, delay_s=delay)
    return None


def _said(
    seed: int, draw: Draw, knobs: Behaviour, about: MailCircumstances
) -> tuple[Said, ...]:
    language = Draw.about(seed, "person", about.to).weighted(
        "language", knobs.languages
    )
    kind = _kind(draw, knobs, about)
    said = []
    if kind is ReplyKind.OUT_OF_OFFICE or draw.happens(
        "away", knobs.mail_out_of_office
    ):
        said.append(_away(draw, language, about))
    if kind is not None and kind is not ReplyKind.OUT_OF_OFFICE:
        delay = draw.long_tailed(
            "reply after", median=knobs.reply_median_engine_s * 3, spread=1.2
        )
        if about.forced is not None:
            delay = draw.between("forced", 2 * _MINUTE, 30 * _MINUTE)
        delay = max(min(delay, knobs.reply_latest_engine_s), _MINUTE)
        text = draw.one_of(f"words of {kind}", PHRASES[kind][language])
        said.append(Said(kind, language, text, delay))
    return tuple(said)


def _kind(draw: Draw, knobs: Behaviour, about: MailCircumstances) -> ReplyKind | None:
    if about.forced is not None:
        return ReplyKind(about.forced)
    if about.stopped:
        return ReplyKind.ANGRY
    if about.turns:
        goes_on = about.turns <= knobs.answered_turns
        share = knobs.warm_mail_reply if about.warm else knobs.cold_mail_reply
        if goes_on and draw.happens("reply", share):
            return ReplyKind(draw.weighted("kind", ANSWERING))
        return None
    share = knobs.warm_mail_reply if about.warm else knobs.cold_mail_reply
    if not draw.happens("reply", share):
        return None
    # A mail without words has nothing to say here: media is for the telephone.
    kinds = {k: w for k, w in knobs.replies.items() if k != ReplyKind.MEDIA.value}
    return ReplyKind(draw.weighted("kind", kinds)) if any(kinds.values()) else None


def _away(draw: Draw, language: str, about: MailCircumstances) -> Said:
    days = draw.whole("days away", 2, 14)
    back = dt.datetime.fromtimestamp(about.at_s, dt.UTC).date() + dt.timedelta(days)
    date = f"{back.day} {back:%B %Y}" if language == "en" else f"{back:%d.%m.%Y}"
    text = _AUTOMATIC[language].format(date=date)
    return Said(
        ReplyKind.OUT_OF_OFFICE, language, text, draw.between("automatic", 5, 120)
    )


def _scans(draw: Draw, knobs: Behaviour, delivered_s: float) -> tuple[float, ...]:
    if not draw.happens("scanned", knobs.mail_scanned):
        return ()
    times = draw.whole("scans", 1, max(knobs.mail_scans, 1))
    return tuple(
        delivered_s + draw.between(f"scan {number}", 1, 5 * _MINUTE)
        for number in range(times)
    )


def _later(draw: Draw, name: str, share: float, read_s: float) -> float | None:
    if not draw.happens(name, share):
        return None
    return read_s + draw.between(f"{name} after", 5, _HOUR)
