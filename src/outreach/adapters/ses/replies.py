"""What kind of answer the vendor's API gave, before anybody says what it means."""

from __future__ import annotations

import json
import re
from enum import Enum, auto
from typing import Any, Final

from attrs import field, frozen

from outreach.adapters._http import HttpReply
from outreach.adapters.ses.words import Json, uid

__all__ = ["Body", "Said", "object_in", "said_by"]

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]{1,63}")


class Body(Enum):
    """What kind of body an answer has."""

    SENT = auto()
    """The shape of success, with the id of a mail."""
    ERROR = auto()
    """The vendor's own API names an error."""
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
        code: the error's name, without its namespace; empty without one.
        words: the message of an error, in lower case; it quotes addresses.
    """

    status: int
    body: Body
    data: Any = field(default=None, repr=False)
    uid: str = ""
    code: str = ""
    words: str = field(default="", repr=False)


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises.

    An error is the API's own if a header (``x-amzn-errortype``) or the JSON names it,
    as botocore reads them: an edge or a proxy in front of it writes neither.
    """
    data = _json(reply.body)
    body: Json = data if isinstance(data, dict) else {}
    code = _code(reply.headers.get("x-amzn-errortype")) or _named(body)
    if code:
        said = body.get("message", body.get("Message"))
        words = said.lower() if isinstance(said, str) else ""
        return Said(reply.status, Body.ERROR, data, "", code, words)
    if not reply.body.strip():
        return Said(reply.status, Body.EMPTY)
    if data is None:
        return Said(reply.status, Body.OTHER)
    given = uid(body.get("MessageId"))
    kind = Body.SENT if given else Body.JSON
    return Said(reply.status, kind, data, given)


def object_in(said: Said) -> Json | None:
    """The object that an answer is; None if it is something else, or an error."""
    known = said.body in {Body.SENT, Body.JSON} and isinstance(said.data, dict)
    return said.data if known else None


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _named(body: Json) -> str:
    found = (_code(body.get(name)) for name in ("__type", "code", "Code"))
    return next(filter(None, found), "")


def _code(said: object) -> str:
    """The name alone in ``com.amazonaws.x#Name`` and in ``Name:http://...``."""
    if not isinstance(said, str):
        return ""
    name = said.partition(":")[0].rpartition("#")[2].strip()
    return name if _CODE.fullmatch(name) else ""
