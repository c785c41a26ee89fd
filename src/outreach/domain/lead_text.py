"""Reading the text of one cell: what people and spreadsheets do to values.

Every function is total: any text gives an answer, and a cleaned value cleaned again
stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from operator import mul
from typing import Final

from outreach.domain.lead import Problem
from outreach.domain.template import VALUE_LIMIT

__all__ = [
    "CUT",
    "SCRUBBED",
    "addresses",
    "numbers",
    "register_id",
    "says_nothing",
    "tags",
    "tidy",
]

SCRUBBED: Final = "line breaks or invisible characters taken out"
CUT: Final = f"longer than {VALUE_LIMIT:,} characters: cut"

_NOTHING: Final = """- -- --- . .. ... / ? x xx xxx 0 n/a na n.a. #n/a #n/d null none
    nil nan nu nope lipsa lipsă fara fără nu_are n-are nedefinit necunoscut unknown
    missing empty #ref! #value! #name? (null) <null> [null] \\n fara_telefon
    fără_telefon fara_email fără_email no_phone no_email"""
_SAYS_NOTHING: Final = frozenset(
    [text.replace("_", " ") for text in _NOTHING.split()],
)
_SAYS_NOTHING_LENGTH: Final = 1 + max(map(len, _SAYS_NOTHING))

_BLANKS: Final = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85", " "))
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

# A number has at least this many digits before another may begin ("0256/123456").
_WHOLE_DIGITS: Final = 9
_FEWEST_DIGITS: Final = 7
_GLUED_DIGITS: Final = 16
_PLAIN: Final = re.compile(r"\+?[\d(][\d .()-]{4,18}\d")
_EXCEL_TEXT: Final = re.compile(r"=?[\"']([^\"']*)[\"']")
_EXCEL_FLOAT: Final = re.compile(r"(.*\d{7})[.,]0{1,2}")
_EXCEL_POWER: Final = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_EXTENSION: Final = re.compile(
    r"(?:(?<![^\W\d_])(?:int|interior|ext|extension)\b\.?|(?<=\d)\s*x)[\s:.]*\d{1,5}"
    r"(?!\d)",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"(?<![^\W\d_])(?:(?:(?:tel|mob|phone|gsm|cell|fix)[^\W\d_]*+[\s./:&-]{0,3})+(?:fax)?"
    r"|(?P<fax>fax))(?![^\W\d_])",
    re.IGNORECASE,
)
_HARD: Final = re.compile(
    r"[;|\\\n\r]+|&|\b(?:sau|si|și|şi|or|and|und|oder)\b", re.IGNORECASE
)
_SOFT: Final = re.compile(r"[/,]+|\s[-\u2013\u2014]\s")
_NATIONAL_ZERO: Final = re.compile(r"\(\s*0\s*\)")
_DIGIT: Final = re.compile(r"\d")

_APART: Final = re.compile(r"[\s,;|<>]+")
_MAIL_LABEL: Final = re.compile(r"(?:mailto|e-?mail|mail):", re.IGNORECASE)
_AROUND: Final = "\"'()[]:!"

_CUI_KEY: Final = "753217532"
_CUI_PUNCTUATION: Final = re.compile(r"[\s.,/_-]+")
_FOREIGN_ID: Final = re.compile(r"[A-Z]{2}")
_CUI_SHORTEST: Final = 2
_CUI_LONGEST: Final = 10
_SAME_DIGIT: Final = re.compile(r"(\d)\1*")
_TAG_APART: Final = re.compile(r"[,;|]")


def tidy(text: str) -> tuple[str, str]:
    """A value on one line and without what cannot be seen, and a flaw or ``""``.

    Line breaks and tabs become blanks; other control characters, NUL, bidirectional
    and zero-width ones are taken out, since a value may come to stand in a header, a
    name or a message. Blanks are folded.
    """
    if text.isascii() and text.isprintable() and len(text) <= VALUE_LIMIT:
        return " ".join(text.split()), ""
    flaw = ""
    if not text.isprintable():
        plain = text.translate(_BLANKS)
        flaw = SCRUBBED if plain != text else ""
        if not plain.isprintable():
            seen = [c for c in plain if unicodedata.category(c) not in _UNSEEN]
            flaw = SCRUBBED if len(seen) != len(plain) else flaw
            plain = "".join(seen)
        text = plain
    text = " ".join(text.split())
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if len(text) > VALUE_LIMIT:
        return text[:VALUE_LIMIT].rstrip(), CUT
    return text, flaw


def says_nothing(text: str) -> bool:
    """Whether a tidy text only stands for a hole (``-``, ``N/A``, ``lipsă``, ``0``)."""
    return len(text) < _SAYS_NOTHING_LENGTH and text.casefold() in _SAYS_NOTHING


def numbers(text: str) -> tuple[str, ...] | Problem:
    """The phone numbers a cell holds: digits with or without a plus, not yet checked.

    Reads labels, extensions, several numbers in one cell, ``(0)`` after a country
    code, and what Excel makes of numbers. Faxes are left out.

    >>> numbers("Tel.: 0722 123 456 / 0744.123.456, fax 0256/123456")
    ('0722123456', '0744123456')
    """
    text = text.strip().lstrip("'").strip()
    if match := _EXCEL_FLOAT.fullmatch(text):
        text = match[1]
    if _PLAIN.fullmatch(text) and " - " not in text:
        return _unglued(_NATIONAL_ZERO.sub("", text))
    if match := _EXCEL_TEXT.fullmatch(text):
        text = match[1]
    if match := _EXCEL_POWER.fullmatch(text):
        return _power(match)
    text = _EXTENSION.sub(" ", _NATIONAL_ZERO.sub("", text))
    text = _LABEL.sub(lambda match: ";!" if match["fax"] else ";", text)
    found = [
        number
        for piece in _HARD.split(text)
        if not piece.startswith("!")
        for part in _rejoined(_SOFT.split(piece))
        for number in _unglued(part)
    ]
    return tuple(dict.fromkeys(found)) or Problem("no phone number in it")


def addresses(text: str) -> tuple[str, ...]:
    """The e-mail addresses a cell holds, not yet checked; nothing is guessed.

    A text without ``@`` is answered as it is.

    >>> addresses("Ion <ion@ferma.ro>; mailto:office@ferma.ro")
    ('ion@ferma.ro', 'office@ferma.ro')
    """
    found = []
    for token in _APART.split(text):
        if "@" in token:
            parts = token.split("/") if token.count("@") > 1 else [token]
            bare = [_MAIL_LABEL.sub("", part.strip(_AROUND)) for part in parts]
            found += [part.strip(_AROUND).rstrip(".") for part in bare if "@" in part]
    return tuple(dict.fromkeys(found)) or (text,)


def register_id(text: str, *, country: str) -> tuple[str, str]:
    """A company register id in one writing, and a flaw or ``""``.

    Punctuation and a leading ``RO`` are no part of it. The check digit is that of
    the Romanian register (weights 7 5 3 2 1 7 5 3 2, sum x 10 mod 11 mod 10) and is
    looked at for companies of that country only.

    >>> register_id("RO 14399840", country="RO")
    ('14399840', '')
    """
    if match := _EXCEL_FLOAT.fullmatch(text):
        text = match[1]
    plain = _CUI_PUNCTUATION.sub("", text).upper()
    if plain.startswith("RO") and plain[2:].isdigit():
        plain = plain[2:]
    if plain.isascii() and plain.isdigit():
        plain = plain.lstrip("0")
    if len(plain) < _CUI_SHORTEST or _SAME_DIGIT.fullmatch(plain):
        return "", "not a company register id: left out"
    if country != "RO" or _FOREIGN_ID.match(plain):
        return plain, ""
    if not (plain.isascii() and plain.isdigit() and len(plain) <= _CUI_LONGEST):
        return plain, f"not {_CUI_SHORTEST} to {_CUI_LONGEST} digits"
    body, check = plain[:-1], int(plain[-1])
    weights = _CUI_KEY[-len(body) :]
    total = sum(map(mul, map(int, body), map(int, weights)))
    return plain, "" if total * 10 % 11 % 10 == check else "the check digit is wrong"


def tags(text: str) -> tuple[str, ...]:
    """Tags of a cell, parted by comma, semicolon or bar."""
    cleaned = [part.strip() for part in _TAG_APART.split(text)]
    return tuple(dict.fromkeys([tag for tag in cleaned if tag]))


def _power(match: re.Match[str]) -> tuple[str, ...] | Problem:
    first, rest, power = match[1], match[2] or "", int(match[3])
    if len(rest) != power:
        reason = "a spreadsheet cut this number: format the column as text"
        return Problem(reason)
    return (first + rest,)


def _digits(text: str) -> int:
    return len(_DIGIT.findall(text))


def _rejoined(pieces: list[str]) -> list[str]:
    """Put pieces together that are parts of one number (``0256/123456``)."""
    parts: list[str] = []
    for piece in pieces:
        count = _digits(piece)
        before = _digits(parts[-1]) if parts else 0
        if not count:
            continue
        if not before or (before >= _FEWEST_DIGITS and count >= _FEWEST_DIGITS):
            parts.append(piece)
        elif before < _WHOLE_DIGITS:
            parts[-1] += piece
        # else: the last digits of a neighbouring number ("0722123456/57")
    return parts


def _unglued(text: str) -> tuple[str, ...]:
    """Digits of one number, or of two with only a blank between them."""
    if _digits(text) < _GLUED_DIGITS:
        return (_bare(text),) if _digits(text) else ()
    parts: list[str] = []
    for token in text.split():
        starts = token.lstrip("(")[:1] in {"0", "+"}
        if not parts or (starts and _digits(parts[-1]) >= _WHOLE_DIGITS):
            parts.append(token)
        else:
            parts[-1] += token
    return tuple([_bare(part) for part in parts])


def _bare(text: str) -> str:
    plus = (
        "+" if text.lstrip(" (.-:").startswith(("+", "\N{FULLWIDTH PLUS SIGN}")) else ""
    )
    return plus + "".join(_DIGIT.findall(text))
