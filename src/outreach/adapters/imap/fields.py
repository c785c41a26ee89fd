"""What the fields of a mail's head say: addresses, ids, times, words. No I/O."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

from outreach.adapters.imap.mime import text_in

__all__ = [
    "address",
    "addresses",
    "mail_ids",
    "moment",
    "named_in",
    "plain",
    "tokens",
    "words",
]

_LONGEST: Final = 8_000
_LONGEST_DATE: Final = 100
_MOST_ADDRESSES: Final = 50
_MOST_REFERENCES: Final = 50
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"

_QUOTED_NAME: Final = re.compile(r'"[^"]{0,500}"(?!@)')
_COMMENT: Final = re.compile(r"\([^()]{0,500}\)")
_ADDRESS: Final = re.compile(
    r"([^\s@<>(),;:\"'\\\[\]\x00-\x1f][^\s@<>(),;:\"\\\[\]\x00-\x1f]{0,63})"
    r"@([^\s@<>(),;:\"'\[\]\x00-\x1f]{1,255})"
)
_BEFORE_ADDRESS: Final = re.compile(r"\b(?:smtp|mailto|rfc822)[=:]", re.IGNORECASE)
_MAIL_ID: Final = re.compile(r"<[!-;=?-~]{1,998}>")
_BETWEEN_WORDS: Final = re.compile(r"\?=\s{1,9}=\?")
_WORD: Final = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,60})(?:\*[^?\s]{0,20})?\?([bq])\?([^?\s]{0,2000})\?=",
    re.IGNORECASE,
)
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]+")
_TOKEN: Final = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}(?![0-9a-f])",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """So that it can be stored: no NUL, no half of a surrogate pair."""
    text = text.replace(_NUL, _STAND_IN)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def words(said: str) -> str:
    """A field for people: its encoded words read (RFC 2047)."""
    said = _BETWEEN_WORDS.sub("?==?", said[:_LONGEST])
    return plain(" ".join(_WORD.sub(_read_word, said).split()))


def _read_word(found: re.Match[str]) -> str:
    charset, how, coded = found.groups()
    if how in "qQ":
        data = binascii.a2b_qp(coded.encode("utf-8", "replace"), header=True)
    else:
        coded = _NOT_BASE64.sub("", coded)
        coded = coded[: len(coded) - (len(coded) % 4 == 1)]
        data = binascii.a2b_base64(coded + "=" * (-len(coded) % 4))
    return text_in(data, charset)


def addresses(said: str) -> tuple[str, ...]:
    """Every address in a field, in order, each once: lower case, the domain in ASCII;
    what a name in quotes or a comment holds is none.
    """
    return named_in(_COMMENT.sub(" ", _QUOTED_NAME.sub(" ", said[:_LONGEST])))


def named_in(text: str) -> tuple[str, ...]:
    """Every address that stands anywhere in a text."""
    said = _BEFORE_ADDRESS.sub(" ", text[:_LONGEST])
    found: dict[str, None] = {}
    for local, domain in _ADDRESS.findall(said):
        known = _known(local, domain)
        if known:
            found[known] = None
        if len(found) == _MOST_ADDRESSES:
            break
    return tuple(found)


def address(said: str) -> str:
    """The one address of a field such as From; empty if there is none, or several."""
    found = addresses(said)
    return found[0] if len(found) == 1 else ""


def _known(local: str, domain: str) -> str:
    domain = domain.rstrip(".")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    if "." not in ascii_domain:
        return ""
    return plain(f"{local}@{ascii_domain}".lower())


def mail_ids(said: Iterable[str]) -> tuple[str, ...]:
    """Every ``<id@host>`` of these fields, of each the nearest first (a field names the
    oldest first), each once.
    """
    found: dict[str, None] = {}
    for one in said:
        ids = _MAIL_ID.findall(one[-_LONGEST:])
        found.update(dict.fromkeys(reversed(ids)))
    return tuple(found)[:_MOST_REFERENCES]


def tokens(said: Iterable[str]) -> tuple[UUID, ...]:
    """Ids that stand in the local parts of addresses (VERP), or in an envelope's id."""
    found: dict[UUID, None] = {}
    for one in said:
        for token in _TOKEN.findall(one[:_LONGEST]):
            found[UUID(token)] = None
    return tuple(found)[:_MOST_REFERENCES]


def moment(said: str) -> datetime | None:
    """Read a Date field; UTC, None if it is none."""
    try:
        at = parsedate_to_datetime(said[:_LONGEST_DATE])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
