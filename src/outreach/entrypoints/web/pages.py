"""The few pages that people see who are no users: plain HTML, no script, no cookie."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from enum import StrEnum
from functools import lru_cache
from html import escape
from http import HTTPStatus
from importlib import resources
from typing import Any, Final

from starlette.responses import HTMLResponse, Response

from outreach.domain.link import LinkKind

__all__ = ["Told", "page"]

_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1b1b;"
    "background:#fff}main{max-width:34rem;margin:12vh auto;padding:0 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25}button{font:inherit;padding:.7rem 1.4rem;"
    "border:0;border-radius:.4rem;background:#1b4d8f;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #e0850b;outline-offset:3px}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}"
    "button{background:#9cc2f5;color:#101010}}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    # The path holds a token: no other site may learn it, no search engine keep it.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class Told(StrEnum):
    """What a page says."""

    ASKED = "ASKED"
    DONE = "DONE"
    LIMITED = "LIMITED"
    UNAVAILABLE = "UNAVAILABLE"


_STATUS: Final = {
    Told.ASKED: HTTPStatus.OK,
    Told.DONE: HTTPStatus.OK,
    Told.LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Told.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

_LATER: Final = "LATER"


def page(
    kind: LinkKind, told: Told, language: str, *, retry_after: int = 0
) -> Response:
    """One page; it holds nothing of the request.

    Args:
        language: one of `outreach.domain.link.LANGUAGES`.
        retry_after: seconds, where people are asked to come again.
    """
    ours, later = _words()[kind.name][language], _words()[_LATER][language]
    title, text = ours.get(told) or later[_LATER]
    form = _form(ours["button"]) if told is Told.ASKED else ""
    html = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n{form}</main>\n"
        "</body>\n</html>\n"
    )
    headers = dict(_HEADERS)
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return HTMLResponse(html, _STATUS[told], headers=headers)


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, Any]]]:
    """By kind, language and what is told; ``pages.toml``."""
    text = resources.files(__package__).joinpath("pages.toml").read_text("utf-8")
    return tomllib.loads(text)


def _form(button: str) -> str:
    # The field of RFC 8058: a person's button and a mail program's say the same.
    return (
        '<form method="post">\n'
        '<input type="hidden" name="List-Unsubscribe" value="One-Click">\n'
        f'<button type="submit">{escape(button)}</button>\n</form>\n'
    )
