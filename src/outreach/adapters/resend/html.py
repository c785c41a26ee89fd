"""The text of a mail that is written in HTML, as its reader sees it.

What a reader does not see is left out, so that nobody writes to our analysis behind
the reviewer's back; what is quoted is marked as in plain text, since our own footer is
in it. Strangers write this HTML, so it is read in one pass whose time is linear, which
the standard library's parser does not promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from attrs import define, field, frozen

__all__ = ["MOST_HTML", "text_of_html"]

MOST_HTML: Final = 500_000
"""Characters of HTML that are read."""

_RAW: Final = {
    tag: re.compile(f"</{tag}", re.IGNORECASE)
    for tag in ("script", "style", "title", "textarea", "noscript", "iframe", "xmp")
}
"""What stands in these is no markup."""
_UNSEEN: Final = frozenset({"head", "template", "object", "svg", "select", *_RAW})
_EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"}
    | {"param", "source", "track", "wbr"}
)
_OPTIONAL_END: Final = frozenset({"p", "li", "td", "th", "tr", "dd", "dt"})
_BREAKS: Final = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer"}
    | {"form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p"}
    | {"pre", "section", "table", "tr", "ul"}
)
_HIDDEN: Final = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all"
    r"|opacity:0?(?:\.0{1,9})?(?:;|$|!)"
    r"|font-size:0(?:\.0{1,9})?(?:px|pt|em|rem|%)?(?:;|$|!)"
    r"|max-height:0(?:px)?(?:;|$|!)|text-indent:-\d{3})"
)
_NAME: Final = re.compile(r"/?[A-Za-z][A-Za-z0-9:-]{0,30}")
_STOP: Final = re.compile(r"[>\"']")
_ATTRIBUTE: Final = re.compile(
    r"([^\s\"'<>/=]{1,64}+)(?:\s{0,9}+=\s{0,9}+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?"
)
_SPACE: Final = re.compile(r"[ \t\r\n\f\v\u00a0]+")
_LINES: Final = re.compile(r"\n{3,}")
_ZERO_WIDTH: Final = str.maketrans("", "", "\u200b\u2060\ufeff\u034f\u00ad")
_DEEPEST: Final = 200
_MOST_QUOTES: Final = 9
_LONGEST_TAG: Final = 4_000
"""Characters of a tag in which attributes are looked for."""


@frozen
class _Tag:
    name: str
    inner: str = ""

    @property
    def closes(self) -> bool:
        return self.name.startswith("/")

    @property
    def hides(self) -> bool:
        """Whether what is in it is not seen."""
        if self.name in _UNSEEN:
            return True
        for found in _ATTRIBUTE.finditer(self.inner[:_LONGEST_TAG]):
            name = found[1].lower()
            if name == "hidden":
                return True
            if name == "style":
                style = unescape(found[2] or found[3] or found[4] or "").lower()
                return _HIDDEN.search(_SPACE.sub("", style)) is not None
        return False


def text_of_html(html: str) -> str:
    """The text; never raises."""
    page = _Page()
    for piece in _pieces(html[:MOST_HTML]):
        if isinstance(piece, str):
            page.say(piece)
        elif piece.closes:
            page.close(piece.name[1:])
        else:
            page.open(piece)
    return page.text()


def _pieces(html: str) -> Iterator[str | _Tag]:
    """Text and tags, in order. What never ends is left out, as browsers do."""
    at, missing = 0, ""
    while at < len(html):
        start = html.find("<", at)
        if start < 0:
            yield html[at:]
            return
        yield html[at:start]
        if html.startswith(("<!", "<?"), start):
            end = "-->" if html.startswith("<!--", start) else ">"
            found = html.find(end, start + 2)
            if found < 0:
                return
            at = found + len(end)
            continue
        name = _NAME.match(html, start + 1)
        if name is None:
            yield "<"
            at = start + 1
            continue
        end_of_tag, missing = _end(html, name.end(), missing)
        if end_of_tag < 0:
            return
        tag = _Tag(name[0].lower(), html[name.end() : end_of_tag])
        yield tag
        at = end_of_tag + 1
        if tag.name in _RAW:
            closing = _RAW[tag.name].search(html, at)
            if closing is None:
                return
            at = closing.start()


def _end(html: str, at: int, missing: str) -> tuple[int, str]:
    """Where a tag ends, outside of quotes; below 0: nowhere.

    *missing* holds the quotes that do not come any more, so that none is looked for
    twice.
    """
    while (stop := _STOP.search(html, at)) is not None:
        mark = stop[0]
        if mark == ">":
            return stop.start(), missing
        at = stop.end()
        if mark not in missing:
            closing = html.find(mark, at)
            if closing < 0:
                missing += mark
            else:
                at = closing + 1
    return -1, missing


@define
class _Page:
    """What has been read so far: open elements, and lines with their quotes."""

    _open: list[tuple[str, bool]] = field(factory=list)
    _hidden: int = 0
    _quotes: int = 0
    _lines: list[tuple[int, list[str]]] = field(factory=lambda: [(0, [])])

    def open(self, tag: _Tag) -> None:
        """An element begins."""
        if tag.name in _BREAKS:
            self._break()
        if tag.name in _EMPTY:
            return
        if tag.name in _OPTIONAL_END and self._open and self._open[-1][0] == tag.name:
            self._pop()
        if len(self._open) < _DEEPEST:
            hides = tag.hides
            self._open.append((tag.name, hides))
            self._hidden += hides
            if tag.name == "blockquote":
                self._quotes += 1
                self._break()

    def close(self, name: str) -> None:
        """An element ends, and all that was left open in it."""
        if any(one == name for one, _ in self._open):
            while self._pop() != name:
                pass
        if name in _BREAKS:
            self._break()

    def say(self, text: str) -> None:
        """Text, if it is seen."""
        if text and not self._hidden:
            self._lines[-1][1].append(text)

    def text(self) -> str:
        """All that was seen."""
        lines = []
        for quotes, pieces in self._lines:
            written = unescape("".join(pieces)).translate(_ZERO_WIDTH)
            line = _SPACE.sub(" ", written.replace("\x00", "")).strip()
            lines.append("> " * quotes + line if line else "")
        return _LINES.sub("\n\n", "\n".join(lines)).strip()

    def _pop(self) -> str:
        name, hidden = self._open.pop()
        self._hidden -= hidden
        self._quotes -= name == "blockquote"
        return name

    def _break(self) -> None:
        quotes = min(self._quotes, _MOST_QUOTES)
        if self._lines[-1][1] or self._lines[-1][0] != quotes:
            self._lines.append((quotes, []))
