"""A mail that came in, in our words: a report, a machine's answer, or a reply. No I/O.

Classified in this order, since a delivery report is an automatic mail too, and an
automatic answer looks like a reply: delivery report, automatic reply, reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from outreach.adapters.resend.html import text_of_html
from outreach.adapters.resend.words import (
    Json,
    address,
    headers_of,
    mail_ids,
    moment,
    plain,
)
from outreach.domain.address import email_keys
from outreach.domain.event import EventType, SystemEvent

__all__ = ["GONE", "completed", "gone"]

GONE: Final = "the provider no longer has this mail"

MOST_TEXT: Final = 100_000
"""Characters of a mail that are kept; the provider has the whole of it."""

_REPORTERS: Final = frozenset({"mailer-daemon", "postmaster"})
_BULK: Final = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
_SAYS_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
_ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_BARE: Final = re.compile(r"(?<![\d.])(55[013])(?![\d.])")
_RECIPIENT: Final = re.compile(
    r"(?im)^(?:final|original)-recipient:\s{0,3}(?:rfc822;)?\s{0,3}(\S{3,320})\s*$"
)
_DELAYED: Final = re.compile(r"(?im)^action:\s{0,3}delayed\s*$")
_THEIR_FAULT: Final = frozenset({("5", "1"), ("5", "2")})
"""A recipient fault (SPEC, section 4); a bare 550, 551 or 553 is one too."""


def completed(event: SystemEvent, mail: Json) -> SystemEvent:
    """The event of a mail that came in, with what the provider tells of the mail."""
    headers = headers_of(mail.get("headers"))
    written = plain(mail.get("text"))
    text = written if written.strip() else text_of_html(plain(mail.get("html")))
    own = mail_ids(mail.get("message_id"), headers.get("message-id"))[:1]
    references = mail_ids(headers.get("in-reply-to"), headers.get("references"))
    sender = address(mail.get("from"))
    full = evolve(
        event,
        incomplete=False,
        thread=own[0] if own else event.thread,
        references=references or event.references,
        content=text.strip()[:MOST_TEXT],
        media=bool(mail.get("attachments")),
        address=email_keys(sender)[0] if sender else event.address,
        occurred_at=moment(mail.get("created_at")) or event.occurred_at,
    )
    if _is_report(headers, sender):
        return _reported(full, headers)
    if _is_automatic(headers):
        return evolve(full, type=EventType.AUTO_REPLY)
    if not full.content:
        # A picture, a signed form: somebody has to look.
        return evolve(full, media=True, detail="nothing that can be shown")
    return full


def gone(event: SystemEvent) -> SystemEvent:
    """The event of a mail that cannot be had any more: a person must look."""
    return evolve(event, incomplete=False, media=True, detail=GONE)


def _is_report(headers: Mapping[str, str], sender: str) -> bool:
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("multipart/report"):
        return "disposition-notification" not in content_type
    if headers.get("x-failed-recipients"):
        return True
    return sender.partition("@")[0] in _REPORTERS


def _is_automatic(headers: Mapping[str, str]) -> bool:
    """RFC 3834, and what was said before there was one."""
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    if submitted not in {"", "no"}:
        return True
    if any(headers.get(name, "").strip() for name in _SAYS_AUTOMATIC):
        return True
    return headers.get("precedence", "").strip().lower() in _BULK


def _reported(full: SystemEvent, headers: Mapping[str, str]) -> SystemEvent:
    """A report of a mail of ours: of its recipient, if it says whom it is about."""
    about = _RECIPIENT.search(full.content)
    said = about[1] if about else headers.get("x-failed-recipients", "")
    whom = address(said.partition(",")[0])
    code = _ENHANCED.search(full.content)
    bare = None if code else _BARE.search(full.content)
    is_hard = bare is not None or (
        code is not None and (code[1], code[2]) in _THEIR_FAULT
    )
    if _DELAYED.search(full.content):
        is_hard = False
    found = code or bare
    return evolve(
        full,
        type=EventType.BOUNCE if is_hard else EventType.SOFT_BOUNCE,
        address=email_keys(whom)[0] if whom else None,
        ref="",
        thread="",
        media=False,
        detail=f"delivery report {found[0] if found else 'without a code'}",
    )
