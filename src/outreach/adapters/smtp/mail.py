"""A parcel as a mail: the bytes that leave, and their envelope. No I/O.

Written here by hand, since the library's folding breaks what must stay in one piece
(it turns a long link into encoded words), and since every header is then one line of
ours: whatever could end a line is refused before (RFC 5322, 2.2; RFC 2047; RFC 8058).
All of it is ASCII: no server on the way has a reason to write it anew, which would
break its signature.
"""

from __future__ import annotations

import quopri
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Final

from attrs import field, frozen

from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import Parcel, Refusal, Refused
from outreach.domain.return_path import return_path

__all__ = ["Mail", "write"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_NOT_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}){0,31}"
    r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,10}"
)
"""What goes out as it is: no quoted parts, and no letters beyond ASCII."""
_MAIL_ID: Final = re.compile(r"<[!-;=?-~]{1,900}>")
_LINK: Final = re.compile(r"https?://[!-;=?-~]{1,900}")
_PLAIN: Final = re.compile(r"[ -~]{0,60}")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_ENCODED: Final = "=?"
"""Begins an encoded word, which a text that looks like one must become itself."""
_MOST_IDS: Final = 20
_LONGEST_NAME: Final = 200
_LONGEST_SUBJECT: Final = 998


@frozen
class Mail:
    """What a server is given.

    Attributes:
        ref: the Message-ID, with angle brackets; the attempt gives it, so that reports
            and answers name the attempt.
        returns_to: of the envelope: where reports about it go.
        named: of the envelope: the attempt, for servers that write reports as asked.
        raw: headers and body with CRLF, unsigned.
    """

    ref: str
    returns_to: str = field(repr=False)
    to: str = field(repr=False)
    named: str
    raw: bytes = field(repr=False)


def write(
    parcel: Parcel, at: datetime, *, name: str = "", bounce_domain: str = ""
) -> Mail | Refused:
    """Write *parcel* as a mail of *at*, or say why nobody could take it.

    The same parcel at the same time is the same mail, byte for byte.

    Args:
        name: of the person who writes; empty: the address alone.
        bounce_domain: takes reports by an address of each mail's own; empty: they go
            to the mailbox that sends.
    """
    ours, theirs = parcel.sender_number, parcel.to
    fault = _fault(parcel, name)
    if fault is not None:
        return fault
    ref = mail_mark(parcel.attempt, ours)
    ids = _MAIL_ID.findall(parcel.thread)[-_MOST_IDS:]
    headers = [
        ("From", _mailbox(name, ours)),
        ("To", theirs),
        ("Subject", _words(parcel.subject, len("Subject: "))),
        ("Date", format_datetime(at)),
        ("Message-ID", ref),
        *((("In-Reply-To", ids[-1]),) if ids else ()),
        *((("References", "\r\n ".join(ids)),) if ids else ()),
    ]
    if parcel.unsubscribe:
        headers += [
            ("List-Unsubscribe", f"<{parcel.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    headers += [
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ]
    head = "".join(f"{key}: {value}\r\n" for key, value in headers)
    returns_to = return_path(parcel.attempt, bounce_domain) if bounce_domain else ours
    raw = head.encode("ascii") + b"\r\n" + _body(parcel)
    return Mail(ref, returns_to, theirs, str(parcel.attempt), raw)


def _fault(parcel: Parcel, name: str) -> Refused | None:
    """What no server could be given."""
    text, subject, link = parcel.text, parcel.subject, parcel.unsubscribe
    if _ADDRESS.fullmatch(parcel.to) is None:
        return Refused(Refusal.INVALID_RECIPIENT, "no address of ASCII letters")
    faults = {
        "the sender is no address of ASCII letters": (
            _ADDRESS.fullmatch(parcel.sender_number) is None
        ),
        "the text is empty or has control characters": (
            not text.strip() or _NOT_IN_TEXT.search(text)
        ),
        "the subject is empty, too long or has control characters": (
            not subject.strip()
            or len(subject) > _LONGEST_SUBJECT
            or _CONTROL.search(subject)
        ),
        "the sender's name is too long or has control characters": (
            len(name) > _LONGEST_NAME or _CONTROL.search(name)
        ),
        "the link to unsubscribe is none": link and _LINK.fullmatch(link) is None,
        "the text is not valid Unicode": _SURROGATE.search(text + subject + name),
    }
    why = next((why for why, is_so in faults.items() if is_so), None)
    return None if why is None else Refused(Refusal.REJECTED, why)


def _mailbox(name: str, address: str) -> str:
    """``"Ana Pop" <ana@firma.ro>``, as atoms, quoted or encoded as the name needs."""
    name = " ".join(name.split())
    if not name:
        return address
    if _PLAIN.fullmatch(name) is None or _ENCODED in name:
        # Within quotes too: there are readers that decode what stands there.
        return f"{_words(name, len('From: '))}\r\n <{address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _words(text: str, used: int) -> str:
    """As it is if it is short and plain, else in encoded words of one line each."""
    text = text.strip()
    if _PLAIN.fullmatch(text) and _ENCODED not in text:
        return text
    encoded = Header(text, "utf-8", maxlinelen=75, header_name="X" * (used - 2))
    return encoded.encode(linesep="\r\n")


def _body(parcel: Parcel) -> bytes:
    """Quoted-printable (RFC 2045, 6.7), so that no line is too long or loses blanks."""
    lines = parcel.text.replace("\r\n", "\n").replace("\r", "\n")
    if not lines.endswith("\n"):
        lines += "\n"
    encoded = quopri.encodestring(lines.encode())
    return encoded.replace(b"\n", b"\r\n")
