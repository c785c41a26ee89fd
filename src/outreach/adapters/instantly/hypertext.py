"""Our plain text as HTML that no template language reads, and theirs as plain text.

Every step is linear in the length of what a stranger wrote.
"""

from __future__ import annotations

import html
import re
from typing import Final

__all__ = ["MOST_READ", "as_html", "as_text", "is_sendable"]

MOST_READ: Final = 200_000
"""Characters of a stranger's HTML that are read."""

_BRACES: Final = str.maketrans({"{": "&#123;", "}": "&#125;"})
_LINE: Final = re.compile(r"\r\n?|\n")

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*+)([^<>]*+)>?")
_OTHER: Final = re.compile(r"<[!?/][^<>]*+>?")
_VOID: Final = frozenset(
    {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
)
_UNSHOWN: Final = frozenset(
    {"head", "style", "script", "title", "template", "noscript", "object", "svg"}
)
_BLOCKS: Final = frozenset(
    {
        *("address", "article", "blockquote", "center", "div", "dl", "dt", "dd"),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
        *("li", "main", "ol", "p", "pre", "section", "table", "tr", "ul", "br"),
    }
)
_HIDDEN: Final = re.compile(
    r"display:none|visibility:hidden|mso-hide:all"
    r"|(?:font-size|max-height|opacity):0(?:px|pt|em|%|\.0+)?(?:[;\"'!]|$)"
)
_HIDDEN_WORD: Final = re.compile(r"(?<![\w-])hidden(?![\w-])", re.IGNORECASE)
_STYLE: Final = re.compile(r"style\s*+=\s*+(\"[^\"]*+|'[^']*+|[^\s>]++)", re.IGNORECASE)
_QUOTED_VALUE: Final = re.compile(r"\"[^\"]*+\"?|'[^']*+'?")
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_MOST_LINES: Final = re.compile(r"\n{3,}")


def is_sendable(text: str) -> bool:
    """Whether there is a text that JSON and a mail can carry."""
    if not text.strip() or "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_html(text: str) -> str:
    """Write plain text as the HTML that shows it.

    The vendor puts the value into a template with ``{{...}}``, and does not say
    whether what stands in a value is read again: a brace is written as a character
    reference, which is a brace to a mail program and nothing to a template.
    """
    shown = html.escape(text, quote=False).translate(_BRACES)
    return _LINE.sub("<br/>", shown)


def as_text(written: str) -> str:
    """Read HTML as the text that a person sees, quotations marked with ``>``.

    What is hidden is left out: nobody read it, and it may be there to be read by a
    machine. What is not closed is read as far as it goes.
    """
    page = _Page()
    source, place = written[:MOST_READ], 0
    while True:
        start = source.find("<", place)
        if start < 0:
            page.say(source[place:])
            return page.text()
        page.say(source[place:start])
        if source.startswith("<!--", start):
            end = source.find("-->", start + 4)
            if end < 0:
                return page.text()
            place = end + 3
        elif tag := _TAG.match(source, start):
            page.tag(tag[2].lower(), tag[3], closes=bool(tag[1]))
            place = tag.end()
        elif other := _OTHER.match(source, start):
            place = other.end()
        else:
            page.say("<")
            place = start + 1


class _Page:
    """What was seen so far."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0
        self._unseen = ""
        self._depth = 0

    def say(self, source: str) -> None:
        if source and not self._unseen:
            self._line.append(html.unescape(source))

    def tag(self, name: str, attributes: str, *, closes: bool) -> None:
        if self._unseen:
            if name == self._unseen and name not in _VOID:
                self._depth += -1 if closes else 1
                self._unseen = self._unseen if self._depth else ""
            return
        if name in _BLOCKS:
            self._end_line()
        if name == "blockquote":
            self._quotes = max(0, self._quotes + (-1 if closes else 1))
        if closes or name in _VOID or attributes.rstrip().endswith("/"):
            return
        if name in _UNSHOWN or _is_hidden(attributes):
            self._unseen, self._depth = name, 1

    def text(self) -> str:
        self._end_line()
        return _MOST_LINES.sub("\n\n", "\n".join(self._lines)).strip()

    def _end_line(self) -> None:
        line = _SPACES.sub(" ", "".join(self._line)).strip()
        self._line = []
        if line:
            self._lines.append("> " + line if self._quotes else line)
        elif self._lines and self._lines[-1]:
            self._lines.append("")


def _is_hidden(attributes: str) -> bool:
    if not attributes:
        return False
    style = _STYLE.search(attributes)
    if style and _HIDDEN.search("".join(style[1].lower().split())):
        return True
    return _HIDDEN_WORD.search(_QUOTED_VALUE.sub("", attributes)) is not None
