"""What kind of answer the vendor's API gave, before anybody says what it means."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any

from attrs import field, frozen

from outreach.adapters._http import HttpReply
from outreach.adapters.timelinesai.words import Json, uid

__all__ = ["Body", "Said", "said_by"]


class Body(Enum):
    """What kind of body an answer has."""

    SENT = auto()
    """The shape of success, with the id of a message."""
    OK = auto()
    """The shape of success, with anything else."""
    ERROR = auto()
    """``{"status": "error", "message": ...}``: the vendor's own API speaks."""
    JSON = auto()
    """Another JSON."""
    EMPTY = auto()
    OTHER = auto()
    """A page, rubbish."""


@frozen
class Said:
    """An answer, read.

    Attributes:
        data: what stands under `data` in an answer that is ok.
        uid: id of the message that was accepted.
        code: `error_code`, empty without one.
        words: the message of an error, in lower case; it quotes numbers and texts.
        fields: names of request fields that the API finds fault with.
    """

    status: int
    body: Body
    data: Any = field(default=None, repr=False)
    uid: str = ""
    code: str = ""
    words: str = field(default="", repr=False)
    fields: frozenset[str] = frozenset()


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises."""
    if not reply.body.strip():
        return Said(reply.status, Body.EMPTY)
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Said(reply.status, Body.OTHER)
    match body:
        case {"status": "ok", "data": {"message_uid": given} as data} if uid(given):
            return Said(reply.status, Body.SENT, data, uid(given))
        case {"status": "ok", "data": data}:
            return Said(reply.status, Body.OK, data)
        case {"status": "error", "message": str(message)}:
            return Said(
                reply.status,
                Body.ERROR,
                code=_text(body.get("error_code")),
                words=message.lower(),
                fields=_fields(body),
            )
    return Said(reply.status, Body.JSON)


def _text(given: object) -> str:
    return given if isinstance(given, str) else ""


def _fields(body: Json) -> frozenset[str]:
    """Every name on the paths of the per-field diagnostics."""
    found: set[str] = set()
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else ():
        match error:
            case {"fields": list(path)}:
                found.update(part for part in path if isinstance(part, str))
    return frozenset(found)
