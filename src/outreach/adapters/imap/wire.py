"""Words of IMAP (RFC 3501, 9051): what is said to a server, and its answers. No I/O."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from attrs import field, frozen

__all__ = [
    "LITERAL",
    "Answer",
    "Folder",
    "capabilities",
    "examined",
    "fetched",
    "found_numbers",
    "is_temporary",
    "plain_login",
    "quoted",
    "sent_folder",
    "since",
]

LITERAL: Final = re.compile(rb"\{(\d{1,10})\}$")
"""At the end of a line: so many bytes follow, and then the line goes on."""

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_NUMBER: Final = re.compile(rb"\d{1,10}")
_CODE: Final = re.compile(rb"\[([A-Z-]{1,40})[^\]]{0,400}\]", re.IGNORECASE)
_VALIDITY: Final = re.compile(rb"\[UIDVALIDITY (\d{1,10})\]", re.IGNORECASE)
_NEXT: Final = re.compile(rb"\[UIDNEXT (\d{1,10})\]", re.IGNORECASE)
_UID: Final = re.compile(rb"\bUID (\d{1,10})\b", re.IGNORECASE)
_BODY: Final = re.compile(rb"\bBODY\[\](?:<0>)? ", re.IGNORECASE)
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.){0,4000})"')
_ESCAPED: Final = re.compile(rb"\\(.)")
_LISTED: Final = re.compile(
    rb"LIST \(([^()]{0,400})\) (?:\"[^\"]{0,4}\"|NIL) (.{1,400})$", re.IGNORECASE
)
_SENT_NAMES: Final = (
    b"sent",
    b"sent items",
    b"sent mail",
    b"sent messages",
    b"inbox.sent",
    b"inbox/sent",
    b"[gmail]/sent mail",
    b"trimise",
    b"elemente trimise",
    b"&bb4eqgq,beaemaqybdsenqq9bd0esw-",
)
"""Where a server does not say which it is (RFC 6154); the last says it in Russian."""
_FOR_NOW: Final = frozenset(
    {b"UNAVAILABLE", b"LIMIT", b"INUSE", b"SERVERBUG", b"ALERT", b"OVERQUOTA"}
)
_FOR_NOW_WORDS: Final = re.compile(
    rb"tempor|try again|too many|unavailable|later|internal|timed? ?out|rate",
    re.IGNORECASE,
)


@frozen
class Answer:
    """One line of a server, with what its literals hold.

    Attributes:
        line: literals left out; their announcements stand in it.
    """

    line: bytes = field(repr=False)
    literals: tuple[bytes, ...] = field(default=(), repr=False)

    def is_data(self, word: bytes) -> bool:
        """It is untagged, and about *word*."""
        return self.line[:2] == b"* " and word in self.line[2:64].upper().split()


@frozen
class Folder:
    """A folder that was opened for reading only.

    Attributes:
        numbering: UIDVALIDITY.  next: UIDNEXT; None: the server did not say.
    """

    numbering: int
    next: int | None


def quoted(text: str) -> bytes:
    """As a string between quotes.

    Raises:
        ValueError: it cannot be written so.
    """
    if not text.isascii() or any(letter < " " or letter == "\x7f" for letter in text):
        message = "only printable ASCII can be said here"
        raise ValueError(message)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode("ascii")


def plain_login(user: str, password: str) -> bytes:
    """The answer to AUTHENTICATE PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{user}\0{password}".encode())


def since(day: date) -> bytes:
    """A day, as SEARCH takes it, whatever language this machine speaks."""
    month = _MONTHS[3 * day.month - 3 : 3 * day.month]
    return f"{day.day}-{month}-{day.year:04}".encode("ascii")


def capabilities(answers: Sequence[Answer]) -> frozenset[bytes]:
    """What the server can do, in capitals."""
    found: set[bytes] = set()
    for one in answers:
        if one.is_data(b"CAPABILITY"):
            found.update(one.line[2:].upper().split())
    return frozenset(found)


def is_temporary(answer: Answer) -> bool:
    """Whether a refused sign-in says nothing of what we signed in with (RFC 5530)."""
    code = _CODE.search(answer.line)
    if code is not None:
        return code[1].upper() in _FOR_NOW
    return _FOR_NOW_WORDS.search(answer.line) is not None


def examined(answers: Sequence[Answer]) -> Folder | None:
    """What EXAMINE answers; None: without a numbering nothing can be gone on with."""
    numbering: int | None = None
    next_: int | None = None
    for one in answers:
        if found := _VALIDITY.search(one.line):
            numbering = int(found[1])
        if found := _NEXT.search(one.line):
            next_ = int(found[1])
    return None if numbering is None else Folder(numbering, next_)


def found_numbers(answers: Sequence[Answer]) -> list[int]:
    """What UID SEARCH answers, in ascending order."""
    found: set[int] = set()
    for one in answers:
        if one.line[:9].upper() == b"* SEARCH ":
            found.update(int(n) for n in _NUMBER.findall(one.line[9:]))
    return sorted(found)


def fetched(answers: Sequence[Answer], number: int) -> bytes | None:
    """The mail that UID FETCH answers; None: it is not there any more."""
    for one in answers:
        uid = _UID.search(one.line)
        body = _BODY.search(one.line)
        if body is None or uid is None or int(uid[1]) != number:
            continue
        rest = one.line[body.end() :]
        if one.literals and LITERAL.match(rest.split(b"}")[0] + b"}"):
            return one.literals[0]
        short = _QUOTED.match(rest)
        if short is not None:
            return _ESCAPED.sub(rb"\1", short[1])
    return None


def sent_folder(answers: Sequence[Answer]) -> bytes | None:
    """The name of the folder of sent mail, as it is to be said; None: there is none."""
    named: bytes | None = None
    for one in answers:
        listed = _LISTED.search(one.line)
        if listed is None:
            continue
        attributes = listed[1].lower().split()
        bare = one.literals[0] if one.literals else _unquoted(listed[2].strip())
        if b"\\noselect" in attributes or b"\r" in bare or b"\n" in bare:
            continue
        said = b'"' + bare.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        if b"\\sent" in attributes:
            return said
        if bare.lower() in _SENT_NAMES:
            named = named or said
    return named


def _unquoted(name: bytes) -> bytes:
    """What an atom or a string between quotes says."""
    known = _QUOTED.fullmatch(name)
    return name if known is None else _ESCAPED.sub(rb"\1", known[1])
