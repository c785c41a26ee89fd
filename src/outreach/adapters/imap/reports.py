"""Reports of mails of ours: delivery reports of all kinds, and complaints. No I/O.

RFC 3464 where a server keeps to it; else what its words say, see `loose`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from attrs import field, frozen

from outreach.adapters.imap.fields import addresses, mail_ids, tokens, words
from outreach.adapters.imap.loose import loosely
from outreach.adapters.imap.mime import Part, decoded, groups_in, head_of, text_of
from outreach.adapters.imap.returned import Returned, verdict
from outreach.domain.event import EventType

__all__ = ["Report", "goes_nowhere", "is_receipt", "is_report", "report_of"]

MOST_RECIPIENTS: Final = 20
MOST_TEXT: Final = 20_000
"""Characters of a report's text that are looked at."""

_REPORTERS: Final = re.compile(
    r"(?:mailer.?daemon|mail.?delivery|mdaemon|mail-system|double-bounce)"
    r"(?:[+=-].{0,200})?",
    re.IGNORECASE,
)
_PERHAPS_REPORTERS: Final = re.compile(
    r"(?:postmaster|mailadmin|bounces?|microsoftexchange[0-9a-f]{32})"
    r"(?:[+=-].{0,200})?",
    re.IGNORECASE,
)
"""Or a person who has such a mailbox."""
_SUBJECTS: Final = re.compile(
    r"\s{0,5}(?:undeliver|delivery (?:status notif|failure|report|has failed|problem)"
    r"|(?:mail|message) (?:delivery |system )?(?:fail|error|could not|delayed|undeliv)"
    r"|mail delivery (?:failed|system|problem)|returned mail|failure notice"
    r"|failed mail|warning: (?:could not|message)|delayed mail|bounced mail"
    r"|nondeliverable|permanent (?:delivery|fatal) |unable to deliver"
    r"|(?:nelivrat|mesaj nelivrat|livrare e[sș]uat[aă])|недоставлен|не доставлен)",
    re.IGNORECASE,
)
_TYPED: Final = re.compile(r"\s{0,9}[a-z0-9/_.-]{1,40}\s{0,9};\s{0,9}", re.IGNORECASE)
_STATUS: Final = re.compile(r"\s{0,9}([245]\.\d{1,3}\.\d{1,3})")
_WORD: Final = re.compile(r"\s{0,9}([a-z-]{1,40})", re.IGNORECASE)
_QUOTED_ID: Final = re.compile(
    r"^[>\s]{0,9}message-id:\s{0,9}(<[!-;=?-~]{1,998}>)", re.IGNORECASE | re.MULTILINE
)
_RECIPIENT_FIELDS: Final = ("original-recipient", "final-recipient")
_STATUSES: Final = frozenset({"message/delivery-status", "message/feedback-report"})
_ENOUGH: Final = 2
"""Signs that make a report of a mail that does not say it is one."""
_ABUSES: Final = frozenset({"abuse", "fraud", "virus", "other", "complaint"})
_OPT_OUTS: Final = frozenset({"opt-out", "opt-out-list"})

_Fields = Mapping[str, tuple[str, ...]]


@frozen
class Report:
    """What a report says.

    Attributes:
        about: ids of the mail that it is about: its own, then what it refers to.
        tokens: ids of ours in the envelope that it was sent with.
        to: whom that mail was written to, if the report encloses its head.
        recipients: what became of it, of each.
    """

    about: tuple[str, ...] = field(repr=False)
    tokens: tuple[UUID, ...]
    to: tuple[str, ...] = field(repr=False)
    recipients: tuple[Returned, ...] = ()


def is_report(mail: Part) -> bool:
    """Whether a mail is a delivery report or a complaint."""
    kinds = {one.kind for one in mail.walk()}
    if kinds & _STATUSES:
        return True
    if mail.kind == "multipart/report" or mail.get("x-failed-recipients"):
        return True
    sender = next(iter(addresses(mail.get("from"))), "") or mail.get("from").strip()
    name = sender.partition("@")[0].strip(' <>"')
    if _REPORTERS.fullmatch(name):
        return True
    signs = (
        _PERHAPS_REPORTERS.fullmatch(name) is not None,
        goes_nowhere(mail),
        _SUBJECTS.match(words(mail.get("subject"))) is not None,
    )
    return sum(signs) >= _ENOUGH


def is_receipt(mail: Part) -> bool:
    """Whether it tells that a mail was shown, or thrown away, to somebody."""
    return any(one.kind == "message/disposition-notification" for one in mail.walk())


def goes_nowhere(mail: Part) -> bool:
    """Whether no answer to it is wanted (RFC 5321, 4.5.5): no person writes so."""
    return mail.get("return-path").strip() == "<>"


def report_of(mail: Part, own: Sequence[str]) -> Report:
    """Read a report.

    Args:
        own: addresses of ours, which no report is about.
    """
    parts = mail.walk()
    if inner := _wrapped(parts):
        return report_of(inner, own)
    enclosed = _enclosed(parts)
    texts = [text_of(one)[:MOST_TEXT] for one in parts if one.kind == "text/plain"]
    head = enclosed or {}
    said = [*head.get("message-id", ()), *_quoted(texts)]
    said += [*head.get("in-reply-to", ()), *head.get("references", ())]
    said += [mail.get("in-reply-to"), mail.get("references")]
    to = addresses(", ".join(head.get("to", ())))
    statuses = [one for one in parts if one.kind == "message/delivery-status"]
    complaint = next((o for o in parts if o.kind == "message/feedback-report"), None)
    envelope = _envelope(mail, statuses, complaint)
    if complaint is not None:
        found = _complained(complaint, to)
    else:
        found = _recipients(statuses, mail)
        if not found:
            hints = addresses(", ".join(mail.fields.get("x-failed-recipients", ())))
            found = loosely(_all_text(parts), hints, to, _not_theirs(mail, own))
    return Report(mail_ids(said), envelope, to, tuple(found[:MOST_RECIPIENTS]))


def _not_theirs(mail: Part, own: Sequence[str]) -> frozenset[str]:
    senders = addresses(mail.get("from"))
    return frozenset((*own, *addresses(mail.get("to")), *senders))


def _enclosed(parts: Sequence[Part]) -> _Fields | None:
    """The head of the mail that came back."""
    for one in parts:
        if _is_mail(one) and one.parts:
            return one.parts[0].fields
        if one.kind in {
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global-headers",
        }:
            return head_of(decoded(one).lstrip())
    return None


def _wrapped(parts: Sequence[Part]) -> Part | None:
    """A report that a gateway sends on whole, as a mail within one of its own."""
    if any(one.kind in _STATUSES for one in parts):
        return None
    inner = next((one.parts[0] for one in parts if one.parts and _is_mail(one)), None)
    told = inner is not None and any(one.kind in _STATUSES for one in inner.walk())
    return inner if told else None


def _is_mail(part: Part) -> bool:
    return part.kind in {"message/rfc822", "message/global"}


def _quoted(texts: Sequence[str]) -> list[str]:
    """Ids of a mail whose head a report repeats in its text."""
    return [found for text in texts for found in _QUOTED_ID.findall(text)[:3]]


def _envelope(
    mail: Part, statuses: Sequence[Part], complaint: Part | None
) -> tuple[UUID, ...]:
    """What the mail was sent with: the id of its envelope, or our token in the address
    that a report goes back to.
    """
    said = [
        value
        for name in ("to", "delivered-to", "x-original-to", "envelope-to")
        for value in mail.fields.get(name, ())
    ]
    for one in statuses:
        for group in groups_in(decoded(one)):
            said += group.get("original-envelope-id", ())
    if complaint is not None:
        for group in groups_in(decoded(complaint)):
            said += group.get("original-envelope-id", ())
            said += group.get("original-mail-from", ())
    return tokens(said)


def _recipients(statuses: Sequence[Part], mail: Part) -> list[Returned]:
    """Of a report that keeps to RFC 3464; several groups of one recipient are one."""
    found: dict[str, Returned] = {}
    for one in statuses:
        for group in groups_in(decoded(one)):
            if not any(name in group for name in (*_RECIPIENT_FIELDS, "action")):
                continue
            read = _recipient(group, mail)
            found.setdefault(read.address, read)
            if len(found) == MOST_RECIPIENTS:
                break
    return [one for one in found.values() if one.address or len(found) == 1]


def _recipient(group: _Fields, mail: Part) -> Returned:
    whom = ""
    for name in _RECIPIENT_FIELDS:
        for said in group.get(name, ()):
            named = addresses(_TYPED.sub("", said, count=1))
            whom = whom or next(iter(named), "")
    whom = whom or next(iter(addresses(mail.get("x-failed-recipients"))), "")
    action = _first(_WORD, group, "action").lower()
    status = _first(_STATUS, group, "status")
    code = next(iter(group.get("diagnostic-code", ())), "")
    return verdict(whom, action, status, _TYPED.sub("", words(code), count=1))


def _first(pattern: re.Pattern[str], group: _Fields, name: str) -> str:
    known = pattern.match(next(iter(group.get(name, ())), ""))
    return "" if known is None else known[1]


def _complained(part: Part, to: Sequence[str]) -> list[Returned]:
    """Of an abuse report (RFC 5965); a feedback of another type says nothing."""
    group: dict[str, tuple[str, ...]] = {}
    for one in groups_in(decoded(part)):
        group = {**one, **group}
    kind = _first(_WORD, group, "feedback-type").lower()
    type_ = EventType.UNKNOWN
    if kind in _ABUSES:
        type_ = EventType.COMPLAINT
    elif kind in _OPT_OUTS:
        type_ = EventType.UNSUBSCRIBE
    said = (*group.get("original-rcpt-to", ()), *group.get("removal-recipient", ()))
    whom = addresses(", ".join(said)) or tuple(to)
    detail = (
        f"feedback: {kind if type_ is not EventType.UNKNOWN else 'of another type'}"
    )
    return [Returned(one, type_, "", detail) for one in whom or ("",)]


def _all_text(parts: Sequence[Part]) -> str:
    """What a report says to people; its own words stand before what it encloses."""
    plain = [text_of(o)[:MOST_TEXT] for o in parts if o.kind.startswith("text/plain")]
    if not plain:
        plain = [_bare(text_of(one)[:MOST_TEXT]) for one in parts if one.kind == _HTML]
    return "\n".join(plain)[:MOST_TEXT]


_HTML: Final = "text/html"
_TAG: Final = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?td|/?h\d)\b[^<>]{0,300}>", re.IGNORECASE
)
_OTHER_TAG: Final = re.compile(r"</?[a-z!][^<>@]{0,300}>", re.IGNORECASE)


def _bare(page: str) -> str:
    page = _OTHER_TAG.sub(" ", _TAG.sub("\n", page))
    return page.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ")
