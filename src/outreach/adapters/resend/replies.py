"""What kind of answer the vendor's API gave, before anybody says what it means."""

from __future__ import annotations

import json
import re
from enum import Enum, auto
from typing import Any, Final

from attrs import field, frozen

from outreach.adapters._http import HttpReply
from outreach.adapters.resend.words import Json, uid

__all__ = ["Body", "Said", "object_in", "said_by"]

_NAME: Final = re.compile(r"[a-z][a-z_]{1,63}")


class Body(Enum):
    """What kind of body an answer has."""

    SENT = auto()
    """The shape of success, with the id of a mail (or of another thing made)."""
    ERROR = auto()
    """``{"statusCode", "name", "message"}``: the vendor's own API speaks."""
    JSON = auto()
    """Another JSON."""
    EMPTY = auto()
    OTHER = auto()
    """A page, rubbish."""


@frozen
class Said:
    """An answer, read.

    Attributes:
        data: the whole JSON.
        uid: id of the mail that was accepted.
        name: the error's name; empty without one.
        words: the message of an error, in lower case; it quotes addresses.
    """

    status: int
    body: Body
    data: Any = field(default=None, repr=False)
    uid: str = ""
    name: str = ""
    words: str = field(default="", repr=False)


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises.

    An error counts as the API's own only if it has a name and a message: an edge, a
    proxy or a validator in front of it writes other JSON.
    """
    if not reply.body.strip():
        return Said(reply.status, Body.EMPTY)
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Said(reply.status, Body.OTHER)
    match body:
        case {"name": str(name), "message": str(message)} if _NAME.fullmatch(name):
            return Said(reply.status, Body.ERROR, body, "", name, message.lower())
        case {"id": given} if uid(given):
            return Said(reply.status, Body.SENT, body, uid(given))
    return Said(reply.status, Body.JSON, body)


def object_in(said: Said) -> Json | None:
    """The object that an answer is; None if it is something else, or an error."""
    known = said.body in {Body.SENT, Body.JSON} and isinstance(said.data, dict)
    return said.data if known else None
