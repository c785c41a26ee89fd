"""Whoever reads a mail may follow its links: filters look at all, people click one.

Only addresses of this machine are asked; others are noted and left alone, so that
nothing invented ever reaches a system that takes it for real.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

import attrs
import httpx

from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.subscriptions import is_loopback

__all__ = ["Links", "links_in"]

_URL: Final = re.compile(r"https?://[^\s<>\"')\]]+")
_ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_FORM: Final = "application/x-www-form-urlencoded"
_LEAVING: Final = re.compile(r"unsub|dezabon|отпи|opt-?out", re.IGNORECASE)
_NEAR: Final = 120  # characters before a link that say what it is for


@attrs.frozen
class Links:
    """`all` in the order of the mail; `leave` is the one that unsubscribes, or ""."""

    all: tuple[str, ...]
    leave: str
    one_click: bool

    async def look(self, ground: Ground, letter: str) -> None:
        """Get every link, as a filter does."""
        for url in self.all:
            await _ask(ground, letter, "GET", url)

    async def unsubscribe(self, ground: Ground, letter: str) -> None:
        """Open the page unless the mail program does without, and say yes."""
        if not self.leave:
            return
        if not self.one_click:
            await _ask(ground, letter, "GET", self.leave)
        await _ask(ground, letter, "POST", self.leave)


def links_in(text: str, headers: Mapping[str, str]) -> Links:
    """Find the links of a mail. `headers` are its own, in any case."""
    lower = {name.lower(): value for name, value in headers.items()}
    named = _URL.findall(lower.get("list-unsubscribe", ""))
    plain = html.unescape(text)
    places = [(hit.start(), hit[0].rstrip(".,;")) for hit in _URL.finditer(plain)]
    written = [url for _, url in places]
    found = tuple(dict.fromkeys([*written, *named]))
    if named:
        return Links(found, named[0], "list-unsubscribe-post" in lower)
    starts = [0, *(at + len(url) for at, url in places)]
    leaving = [
        url
        for (at, url), since in zip(places, starts, strict=False)
        if _LEAVING.search(plain[max(since, at - _NEAR) : at] + url)
    ]
    return Links(found, leaving[-1] if leaving else "", one_click=False)


async def _ask(ground: Ground, letter: str, method: str, url: str) -> None:
    status, why = None, "not of this machine"
    host = urllib.parse.urlsplit(url).hostname
    if host is not None and is_loopback(host):
        client = await ground.clients.get()
        try:
            if method == "POST":
                kind = {"content-type": _FORM}
                answer = await client.post(url, content=_ONE_CLICK, headers=kind)
            else:
                answer = await client.get(url)
            status, why = answer.status_code, ""
        except httpx.HTTPError as error:
            why = type(error).__name__
        finally:
            ground.clients.put_nowait(client)
    ground.journal.note(
        "link", method=method, url=url, letter=letter, status=status, why=why
    )
