"""Links that stand in what we send, and the line of a mail that shows one."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.domain.ids import LeadId, TenantId

__all__ = [
    "LANGUAGES",
    "LINK_FIELD",
    "MAIL",
    "PROVIDER",
    "Link",
    "LinkKind",
    "link_key",
    "spoken",
    "with_link",
]

MAIL: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})
"""Channels whose every message carries a link to be left alone (RFC 8058)."""

LINK_FIELD: Final = "unsubscribe_link"
"""The variable by which a template says where the link stands."""

PROVIDER: Final = "links"
"""What the inbox calls the source of events that our own pages make."""

_LINES: Final = {
    "en": "If you do not want to hear from us again, unsubscribe here:",
    "ro": "Dacă nu mai doriți să primiți mesaje de la noi, dezabonați-vă aici:",
    "ru": "Если вы больше не хотите получать наши письма, отпишитесь здесь:",
}
LANGUAGES: Final = frozenset(_LINES)
"""Languages in which the line and the pages are written."""

_OTHERWISE: Final = "en"


class LinkKind(IntEnum):
    """What following a link does; the number stands in its token."""

    UNSUBSCRIBE = 1
    CONSENT = 2


@frozen
class Link:
    """What a token says; nobody but us can read it, or make another.

    Attributes:
        about: the message it stands in, or the consent it confirms.
        channel: of that message, or of that consent.
    """

    kind: LinkKind
    tenant: TenantId
    lead: LeadId
    about: UUID
    channel: Channel


def link_key(link: Link, at: datetime) -> str:
    """Names the event that following a link made at *at* (machine time).

    Twice within a minute is once. Not for good: who agreed again, and later follows
    the link of an old mail, must be heard again.
    """
    return f"{link.kind.name.lower()}/{link.about}/{at:%Y-%m-%dT%H:%M}"


def spoken(*wanted: str) -> str:
    """The first of these languages (BCP 47) that we speak, else English."""
    for tag in wanted:
        language = tag.partition("-")[0].casefold()
        if language in LANGUAGES:
            return language
    return _OTHERWISE


def with_link(text: str, link: str, language: str) -> str:
    """The text of a mail with its link: where the text has it, else as its last line.

    Args:
        text: as rendered.
        link: where it leads; empty: there is none.
        language: one of `LANGUAGES`.
    """
    if not link or link in text:
        return text
    return f"{text}\n\n{_LINES[language]} {link}"
