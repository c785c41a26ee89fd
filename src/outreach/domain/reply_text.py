"""What a person wrote in a reply, as far as it may be shown to a model.

Markup becomes text, and what it hides is left out; so are quoted history, signatures
and characters that nobody sees. Pure and linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from typing import Final

from attrs import define, field, frozen

__all__ = ["MOST_CHARACTERS", "MOST_READ", "Readable", "page_text", "readable"]

MOST_READ: Final = 20_000
"""Characters of a reply that are looked at."""
MOST_CHARACTERS: Final = 4_000
"""Characters that are shown to a model; a reply with more is for a person."""

_MARKUP: Final = re.compile(
    r"<(?:!--|!doctype|/?(?:html|head|body|div|p|br|span|a|b|i|u|font|table|tr|td|li|ul"
    r"|ol|style|script|blockquote|img|h[1-6]|strong|em|template|title|noscript)\b)",
    re.IGNORECASE,
)
_UNSEEN_TAGS: Final = frozenset(
    {"style", "script", "head", "title", "template", "noscript", "object"}
)
_QUOTING_TAGS: Final = frozenset({"blockquote"})
_VOID_TAGS: Final = frozenset(
    {"br", "img", "hr", "input", "meta", "link", "wbr", "area", "base", "col"}
)
_LINE_TAGS: Final = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4"})
_UNSEEN_STYLE: Final = re.compile(
    r"display:none|visibility:hidden|opacity:0(?![.\d]*[1-9])|font-size:[01](?![\d.])"
    r"|max-height:0|mso-hide:all|text-indent:-\d{3}|left:-\d{3}"
    r"|color:(?:#fff(?:fff)?|white|transparent)\b"
)

_KEPT_CONTROLS: Final = "\n"
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BETWEEN_LETTERS: Final = re.compile(r"\w[\u200b-\u200d\u2060\ufeff\u00ad]+(?=\w)")
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAG_CHARACTERS: Final = re.compile("(?<!\U0001f3f4)[\U000e0000-\U000e007f]{4,}")
_JOINED: Final = "\u200d"

_QUOTED: Final = re.compile(r"^\s{0,8}[>|]")
_WROTE: Final = re.compile(
    r"\b(?:wrote|a scris|написал|написала|пишет|писал|писала)\s{0,3}:\s{0,3}$",
    re.IGNORECASE,
)
_ORIGINAL: Final = re.compile(
    r"^\s{0,8}(?:-{2,12}\s{0,3}(?:original message|mesaj(?:ul)? original"
    r"|mesaj ini[tț]ial|forwarded message|исходное сообщение)|_{20,}"
    r"|(?:from|de la|от):\s.{0,200}@)",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(
    r"^(?:-- ?|—|_{2,10})$|^(?:sent from my|trimis de pe|отправлено с)\b",
    re.IGNORECASE,
)
_BLANK_LINES: Final = re.compile(r"\n{3,}")


@frozen
class Readable:
    """A reply's own words.

    Attributes:
        text: without markup, history, signature and what cannot be seen.
        hidden: something was there that a person would not have seen.
        cut: the reply is longer than what is read.
    """

    text: str = field(repr=False)
    hidden: bool = False
    cut: bool = False


def page_text(text: str) -> str:
    """What a person sees of a page of markup; any other text as it is."""
    if not _MARKUP.search(text):
        return text
    page = _Page()
    page.feed(text)
    return "".join(page.parts)


def readable(text: str) -> Readable:
    """Take a reply apart; any text is answered."""
    cut = len(text) > MOST_READ
    text = text[:MOST_READ].replace("\r\n", "\n").replace("\r", "\n")
    hidden = False
    if _MARKUP.search(text):
        page = _Page()
        page.feed(text)
        text, hidden = "".join(page.parts), page.hidden
    hidden = hidden or _unseen_writing(text)
    seen = "".join(_visible(character) for character in text)
    own = _own_lines(seen)
    own = _BLANK_LINES.sub("\n\n", own).strip()
    long = len(own) > MOST_CHARACTERS
    return Readable(own[:MOST_CHARACTERS], hidden, cut or long)


def _unseen_writing(text: str) -> bool:
    return bool(
        _DIRECTION.search(text)
        or _TAG_CHARACTERS.search(text)
        or any(
            _JOINED not in found[0] or not _is_picture(found[0][0])
            for found in _BETWEEN_LETTERS.finditer(text)
        )
    )


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _visible(character: str) -> str:
    if character in _KEPT_CONTROLS:
        return character
    category = unicodedata.category(character)
    if category in _UNSEEN:
        return " " if character in "\t\x0b\x0c" else ""
    return " " if category == "Zs" else character


def _own_lines(text: str) -> str:
    kept: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if _ORIGINAL.search(line) or _SIGNATURE.search(line.rstrip("\n")):
            break
        if _WROTE.search(line[-200:]) and number + 1 < len(lines):
            later = lines[number + 1 :]
            if not any(_QUOTED.match(one) for one in later):
                break
            continue
        if not _QUOTED.match(line):
            kept.append(line.rstrip())
    return "\n".join(kept)


_DEEPEST: Final = 64
"""Open elements that an end tag is looked for in."""
_TAG: Final = re.compile(r"(/?)([a-z][a-z0-9]*)(.*)", re.IGNORECASE | re.DOTALL)
_STYLE: Final = re.compile(r"style\s*=\s*([\"']?)([^\"'>]*)", re.IGNORECASE)
_AWAY: Final = re.compile(
    r"(?:^|\s)(?:hidden(?:$|[\s=/])|aria-hidden\s*=\s*[\"']?true)", re.IGNORECASE
)
_RAW_TAGS: Final = frozenset({"script", "style", "title"})


@define
class _Page:
    """The text of a page that a person sees.

    A scanner of our own: the library's takes a time that grows with the square of
    what is never closed, and this is written by strangers.

    Attributes:
        parts: of the text.
        hidden: something was written that is not shown.
    """

    parts: list[str] = field(factory=list)
    hidden: bool = False
    _open: list[tuple[str, bool, bool]] = field(factory=list)

    def feed(self, text: str) -> None:
        """Read it all."""
        at, lowered = 0, text.lower()
        while at < len(text):
            opens = text.find("<", at)
            if opens < 0:
                self._data(text[at:])
                return
            self._data(text[at:opens])
            at = self._markup(text, lowered, opens)

    def _markup(self, text: str, lowered: str, opens: int) -> int:
        """Where the text goes on after what opens here."""
        if text.startswith("<!--", opens):
            closes = text.find("-->", opens)
            comment = text[opens + 4 : None if closes < 0 else closes]
            self._comment(comment)
            return len(text) if closes < 0 else closes + 3
        closes = text.find(">", opens, opens + _LONGEST_TAG)
        inside = text[opens + 1 : closes]
        tag = None if closes < 0 or "<" in inside else _TAG.fullmatch(inside)
        if tag is None:
            if closes > 0 and text[opens + 1 : opens + 2] in {"!", "?"}:
                return closes + 1
            self._data("<")
            return opens + 1
        name = tag[2].lower()
        if tag[1]:
            self._end(name)
        else:
            self._start(name, tag[3])
        if name in _RAW_TAGS and not tag[1]:
            ends = lowered.find(f"</{name}", closes)
            return len(text) if ends < 0 else ends
        return closes + 1

    def _start(self, name: str, attributes: str) -> None:
        if name in _LINE_TAGS:
            self.parts.append("\n")
        if name in _VOID_TAGS:
            return
        styled = _STYLE.search(attributes)
        style = "" if styled is None else re.sub(r"\s", "", styled[2]).casefold()
        away = bool(_UNSEEN_STYLE.search(style) or _AWAY.search(attributes))
        before = self._open[-1] if self._open else ("", False, False)
        gone = before[1] or name in _UNSEEN_TAGS or name in _QUOTING_TAGS or away
        self._open.append((name, gone, before[2] or away))

    def _end(self, name: str) -> None:
        if all(one[0] != name for one in self._open[-_DEEPEST:]):
            return
        while self._open:
            if self._open.pop()[0] == name:
                break
        if name in _LINE_TAGS:
            self.parts.append("\n")

    def _data(self, data: str) -> None:
        _, gone, away = self._open[-1] if self._open else ("", False, False)
        if not gone:
            self.parts.append(unescape(data))
        elif away and data.strip():
            self.hidden = True

    def _comment(self, data: str) -> None:
        # Mail programs leave conditions and editors' marks in comments.
        if data.strip() and not data.lstrip().startswith(("[if", "[endif")):
            self.hidden = True


_LONGEST_TAG: Final = 2_000
