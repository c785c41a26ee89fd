"""A mail taken apart: headers and parts, within bounds. No I/O; no bytes make it raise.

The library's parser is not used: it tries every line against every boundary that is
open, so that a stranger decides how long it takes. This one looks at each byte once for
each level of nesting, and counts what it looks at.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

__all__ = [
    "MOST_BYTES",
    "MOST_DEEP",
    "MOST_PARTS",
    "Part",
    "decoded",
    "groups_in",
    "head_of",
    "parse",
    "text_in",
    "text_of",
]

MOST_BYTES: Final = 262_144
"""Of a mail that are looked at; what is needed stands at its beginning."""
MOST_DEEP: Final = 8
"""Parts within parts."""
MOST_PARTS: Final = 64
"""Of one mail, over all levels."""
MOST_FIELDS: Final = 400
"""Of one head."""
LONGEST_FIELD: Final = 16_000
LONGEST_HEAD: Final = 131_072
MOST_GROUPS: Final = 128
MOST_SAME: Final = 20
"""Fields of one name."""

_NAME: Final = re.compile(rb"[!-9;-~]{1,76}")
_KIND: Final = re.compile(
    r"\s{0,9}([a-z0-9.+_-]{1,60})/([a-z0-9.+_-]{1,120})", re.IGNORECASE
)
_PARAMETER: Final = re.compile(
    r';\s{0,9}([a-z0-9_*-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]{0,400})"|([^\s;"]{0,400}))',
    re.IGNORECASE,
)
_LONGEST_BOUNDARY: Final = 200
_BLANK_LINE: Final = re.compile(rb"\n[ \t]{0,9}\n")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_CHARSET: Final = re.compile(
    r"(?:us-)?ascii|utf-?(?:7|8|16|32)(?:[-_]?[bl]e)?|iso[-_]?8859[-_]\d{1,2}"
    r"|(?:windows-|cp)\d{3,4}|koi8-[rut]|latin-?\d{1,2}|mac-?(?:roman|cyrillic)"
    r"|big5(?:-hkscs)?|gb(?:2312|k|18030)|shift[-_]jis|sjis|euc-(?:jp|kr)"
    r"|iso-2022-(?:jp|kr)|tis-620",
    re.IGNORECASE,
)
"""Encodings of texts. Python knows others by a name, some of which take a time that
grows with the square of what they are given."""


@frozen
class Part:
    """A mail, or a part of one.

    Attributes:
        fields: values by lower-case name, in order, unfolded and otherwise as written.
        kind: ``text/plain``, in lower case.
        params: of the content type, names in lower case.
        body: as written, each line ended by a line feed; without what *parts* has.
        parts: of a multipart; the one mail of a ``message/rfc822``.
        seen: bytes that were looked at for it and its parts.
    """

    fields: Mapping[str, tuple[str, ...]] = field(repr=False)
    kind: str
    params: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    parts: tuple[Part, ...] = ()
    seen: int = 0

    def get(self, name: str) -> str:
        """The first field of that name; empty if there is none."""
        return next(iter(self.fields.get(name, ())), "")

    def walk(self) -> tuple[Part, ...]:
        """It and all parts of it, outermost first; not what an enclosed mail holds."""
        found = [self]
        if not self.kind.startswith("message/"):
            for one in self.parts:
                found += one.walk()
        return tuple(found)


@define
class _Work:
    """What is left of the bounds, and what was looked at."""

    parts: int = MOST_PARTS
    seen: int = 0


def parse(raw: bytes) -> Part:
    """Take a mail apart; what lies beyond the bounds is as if it were not there."""
    text = raw[:MOST_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    work = _Work()
    whole = _part(text, work, 0, "text/plain")
    return Part(
        whole.fields, whole.kind, whole.params, whole.body, whole.parts, work.seen
    )


def head_of(text: bytes) -> Mapping[str, tuple[str, ...]]:
    """The fields of a head alone, each line ended by a line feed."""
    return _fields(text.partition(b"\n\n")[0])


def groups_in(text: bytes) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """Groups of fields with blank lines between them (RFC 3464, 2.1)."""
    groups = _BLANK_LINE.split(text, maxsplit=MOST_GROUPS)
    return tuple(fields for one in groups if (fields := _fields(one)))


def decoded(part: Part) -> bytes:
    """The body without its transfer encoding."""
    match part.get("content-transfer-encoding").strip().lower():
        case "base64":
            return _base64(part.body)
        case "quoted-printable":
            return binascii.a2b_qp(part.body)
    return part.body


def text_of(part: Part) -> str:
    """What a part of text says; a byte that its encoding does not know is U+FFFD."""
    return text_in(decoded(part), part.params.get("charset", ""))


def text_in(data: bytes, charset: str) -> str:
    """Read a text; without a charset, or with an unknown one, it is a guess."""
    charset = charset.strip().lower()
    if _CHARSET.fullmatch(charset):
        try:
            return data.decode(charset, "replace")
        except (LookupError, UnicodeError):
            pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _part(text: bytes, work: _Work, deep: int, usual: str) -> Part:
    work.seen += len(text)
    head, body = _split(text)
    fields = _fields(head)
    work.seen += len(head)
    kind, params = _content_type(fields, usual)
    plain = Part(fields, kind, params, body)
    if deep >= MOST_DEEP:
        return plain
    if kind.startswith("multipart/"):
        usual = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        found = _split_parts(body, params.get("boundary", ""), work)
        work.seen += len(body)
        parts = tuple(_part(one, work, deep + 1, usual) for one in found)
        return Part(fields, kind, params, b"" if parts else body, parts)
    if kind in {"message/rfc822", "message/global"} and work.parts:
        work.parts -= 1
        inner = decoded(plain)
        return Part(fields, kind, params, body, (_part(inner, work, deep + 1, ""),))
    return plain


def _split(text: bytes) -> tuple[bytes, bytes]:
    """Head and body; a part may begin with the blank line."""
    if text.startswith(b"\n"):
        return b"", text[1:]
    head, _, body = text.partition(b"\n\n")
    return head[:LONGEST_HEAD], body


def _fields(head: bytes) -> Mapping[str, tuple[str, ...]]:
    """Unfolded; a line that is no field is left out, with what goes on from it."""
    rows: list[tuple[str, list[bytes]]] = []
    goes_on = False
    for line in head[:LONGEST_HEAD].split(b"\n"):
        if line[:1] in {b" ", b"\t"}:
            if goes_on:
                rows[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip()
        goes_on = bool(colon) and _NAME.fullmatch(name) is not None
        if not goes_on:
            continue
        if len(rows) == MOST_FIELDS:
            break
        rows.append((name.decode("ascii").lower(), [value.strip()]))
    found: dict[str, tuple[str, ...]] = {}
    for key, parts in rows:
        said = text_in(b" ".join(parts)[:LONGEST_FIELD], "")
        found[key] = (*found.get(key, ())[:MOST_SAME], said)
    return found


def _content_type(
    fields: Mapping[str, tuple[str, ...]], usual: str
) -> tuple[str, Mapping[str, str]]:
    said = next(iter(fields.get("content-type", ())), "")
    known = _KIND.match(said)
    if known is None:
        return usual or "text/plain", {}
    params: dict[str, str] = {}
    for one in _PARAMETER.finditer(said):
        params.setdefault(one[1].lower().rstrip("*"), one[2] or one[3] or "")
    return f"{known[1]}/{known[2]}".lower(), params


def _split_parts(body: bytes, boundary: str, work: _Work) -> list[bytes]:
    """The parts between the lines that begin with the boundary (RFC 2046, 5.1.1)."""
    mark = boundary.encode("utf-8", "replace")
    if not mark or len(mark) > _LONGEST_BOUNDARY:
        return []
    mark = b"\n--" + mark
    body = b"\n" + body
    found: list[bytes] = []
    begins = -1
    at = body.find(mark)
    while at >= 0:
        line_ends = body.find(b"\n", at + 1)
        rest = body[at + len(mark) : None if line_ends < 0 else line_ends].strip()
        if rest in {b"", b"--"}:
            if begins >= 0:
                found.append(body[begins:at])
            begins = -1
            if rest == b"--" or line_ends < 0 or not work.parts:
                break
            work.parts -= 1
            begins = line_ends + 1
        at = body.find(mark, at + 1)
    if begins >= 0:
        found.append(body[begins:])  # it was cut off, or never closed
    return found


def _base64(data: bytes) -> bytes:
    """Whatever is wrong in it; a mail that was cut off ends anywhere."""
    data = _NOT_BASE64.sub(b"", data)
    data = data[: len(data) - (len(data) % 4 == 1)]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
