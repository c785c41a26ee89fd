"""What kind of answer the vendor's API gave, before anybody says what it means."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any, Final

from attrs import field, frozen

from outreach.adapters._http import HttpReply
from outreach.adapters.sendgrid.words import uid

__all__ = ["Body", "Said", "said_by"]

_ID_HEADER: Final = "x-message-id"


class Body(Enum):
    """What kind of body an answer has."""

    ERROR = auto()
    """``{"errors": [{"message", "field"}]}``: the vendor's own API speaks."""
    JSON = auto()
    """Another JSON."""
    EMPTY = auto()
    OTHER = auto()
    """A page, rubbish."""


@frozen
class Said:
    """An answer, read.

    Attributes:
        ref: of the mail that was accepted, from its header.
        fields: of the errors, in lower case; empty where an error names none.
        words: the messages of the errors, in lower case; they quote addresses.
    """

    status: int
    body: Body
    data: Any = field(default=None, repr=False)
    ref: str = ""
    fields: tuple[str, ...] = ()
    words: str = field(default="", repr=False)


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises.

    An error counts as the API's own only if it has a list of errors with a message
    each: an edge, a proxy or a validator in front of it writes other JSON.
    """
    ref = uid(reply.headers.get(_ID_HEADER, "").strip())
    if not reply.body.strip():
        return Said(reply.status, Body.EMPTY, ref=ref)
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Said(reply.status, Body.OTHER, ref=ref)
    errors = _errors(body)
    if not errors:
        return Said(reply.status, Body.JSON, body, ref)
    named = [one.get("field") for one in errors]
    fields = tuple(one.lower() if isinstance(one, str) else "" for one in named)
    words = "\n".join(one["message"] for one in errors).lower()
    return Said(reply.status, Body.ERROR, body, ref, fields, words)


def _errors(body: object) -> list[dict[str, Any]]:
    listed = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(listed, list) or not listed:
        return []
    good = all(
        isinstance(o, dict) and isinstance(o.get("message"), str) for o in listed
    )
    return listed if good else []
