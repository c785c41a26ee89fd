"""What kind of answer came, before anybody says what it means."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any

from attrs import field, frozen

from outreach.adapters._http import HttpReply

__all__ = ["Body", "Said", "said_by"]


class Body(Enum):
    """What kind of body an answer has."""

    SUCCESS = auto()
    """What the vendor's own client takes for success."""
    ERROR = auto()
    """``{"status": "error", "message": ...}``."""
    JSON = auto()
    """Another JSON."""
    EMPTY = auto()
    OTHER = auto()
    """A page, rubbish."""


@frozen
class Said:
    """An answer, read.

    Attributes:
        words: the message of an error, in lower case; it may quote what was sent.
    """

    status: int
    body: Body
    words: str = field(default="", repr=False)


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises."""
    if not reply.body.strip():
        return Said(reply.status, Body.EMPTY)
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Said(reply.status, Body.OTHER)
    if not isinstance(body, dict):
        return Said(reply.status, Body.JSON)
    if body.get("status") == "error":
        message = body.get("message")
        words = message.lower() if isinstance(message, str) else ""
        return Said(reply.status, Body.ERROR, words)
    return Said(reply.status, Body.SUCCESS if _is_success(body) else Body.JSON)


def _is_success(body: dict[str, Any]) -> bool:
    """By any of the three signs that the client knows."""
    if body.get("status") == "success":
        return True
    return body.get("ok") is True or body.get("message") == "ok"
