"""A request's body, counted while it comes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from outreach.entrypoints.web.errors import Problem
from outreach.entrypoints.web.parts import Limits

__all__ = ["check_encoding", "read_body"]

_LONGEST_LENGTH: Final = 18
"""Digits of a Content-Length that are read as a number."""


def check_encoding(request: Request) -> None:
    """Raises Problem if the body is compressed, and so cannot be counted."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "compressed bodies are not read: send it without Content-Encoding",
        )


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body as it came, counted while it comes and not kept beyond the limit.

    Raises:
        Problem: it is too large, or did not come in time.
    """
    most, within = limits.body_bytes, limits.body_within.total_seconds()
    too_large = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {most} bytes",
        details={"limit_bytes": most},
    )
    declared = request.headers.get("content-length", "")
    # one that is no number is the server's to refuse; the bytes are counted anyway
    is_long = len(declared) > _LONGEST_LENGTH
    if declared.isascii() and declared.isdigit() and (is_long or int(declared) > most):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(within), aclosing(request.stream()) as stream:
            async for chunk in stream:
                if len(body) + len(chunk) > most:
                    raise too_large
                body += chunk
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body was not here within {within:g} seconds",
            details={"limit_seconds": within},
            headers={"Connection": "close"},
        ) from None
    return bytes(body)
