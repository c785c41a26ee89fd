"""The text of a mail that is written in HTML, as its reader sees it.

What a reader does not see is left out, so that nobody writes to our analysis behind
the reviewer's back; what is quoted is marked as in plain text, since our own footer is
in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

__all__ = ["MOST_HTML", "text_of_html"]

MOST_HTML: Final = 500_000
"""Characters of HTML that are read."""

_UNSEEN: Final = frozenset(
    {"head", "script", "style", "template", "title", "noscript", "object", "svg"}
)
_EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"}
    | {"param", "source", "track", "wbr"}
)
_OPTIONAL_END: Final = frozenset({"p", "li", "td", "th", "tr", "dd", "dt", "option"})
_BREAKS: Final = frozenset(
    {"address", "article", "blockquote", "dd", "div", "dl", "dt", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre"}
    | {"section", "table", "tr", "ul"}
)
_HIDDEN: Final = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all"
    r"|opacity:0?(?:\.0+)?(?:;|$|!)|font-size:0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|$|!)"
    r"|max-height:0(?:px)?(?:;|$|!)|text-indent:-\d{3,})"
)
_SPACE: Final = re.compile(r"[ \t\r\f\v\u00a0]+")
_LINES: Final = re.compile(r"\n{3,}")
_DEEPEST: Final = 200


def text_of_html(html: str) -> str:
    """The text; never raises."""
    reader = _Reader()
    reader.feed(html[:MOST_HTML])
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, bool, bool]] = []
        self._lines: list[tuple[int, list[str]]] = [(0, [])]

    def handle_starttag(
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        if tag == "br":
            self._break()
        if tag in _BREAKS:
            self._break()
        if tag in _EMPTY:
            return
        if tag in _OPTIONAL_END and self._open and self._open[-1][0] == tag:
            self._open.pop()
        if len(self._open) < _DEEPEST:
            hidden = tag in _UNSEEN or _is_hidden(attrs)
            self._open.append((tag, hidden, tag == "blockquote"))
        if tag == "blockquote":
            self._break()

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                break
        if tag in _BREAKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if any(hidden for _, hidden, _ in self._open):
            return
        self._lines[-1][1].append(_SPACE.sub(" ", data.replace("\n", " ")))

    def text(self) -> str:
        """What was seen."""
        lines = []
        for quotes, pieces in self._lines:
            line = _SPACE.sub(" ", "".join(pieces)).strip()
            lines.append("> " * quotes + line if line else "")
        return _LINES.sub("\n\n", "\n".join(lines)).strip()

    def _break(self) -> None:
        quotes = sum(quote for _, _, quote in self._open)
        if self._lines[-1][1] or self._lines[-1][0] != quotes:
            self._lines.append((min(quotes, 9), []))


def _is_hidden(attrs: Sequence[tuple[str, str | None]]) -> bool:
    given = dict(attrs)
    style = re.sub(r"\s", "", (given.get("style") or "").lower())
    return "hidden" in given or _HIDDEN.search(style) is not None
