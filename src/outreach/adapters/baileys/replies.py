"""What kind of answer a gateway gave, before anybody says what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final

from attrs import field, frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = [
    "ANY",
    "EDGE",
    "FOUR",
    "SUCCESS",
    "Body",
    "Row",
    "Said",
    "answered",
    "asked",
    "refused",
    "said_by",
    "takes",
    "unclear",
    "unknown",
    "unreadable",
    "waits",
]


class Body(Enum):
    """What kind of body an answer has."""

    JSON = auto()
    TEXT = auto()
    """Neither JSON nor a page: some gateways write a bare sentence."""
    EMPTY = auto()
    PAGE = auto()
    """HTML: something in front of the gateway speaks."""


@frozen
class Said:
    """An answer, read.

    Attributes:
        data: the JSON.
        words: the whole body in lower case; it may quote numbers and texts.
    """

    status: int
    body: Body
    data: Any = field(default=None, repr=False)
    words: str = field(default="", repr=False)

    def has(self, *words: str) -> bool:
        """Whether one of *words* stands in the body."""
        return any(word in self.words for word in words)


Make = Callable[[str, HttpReply, Said], Answer]

SUCCESS: Final = frozenset(range(200, 300))
FOUR: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
ANY: Final = frozenset(Body)
_JSON: Final = frozenset({Body.JSON})


@frozen(kw_only=True)
class Row:
    """A line of an acceptance table: fits an answer if all that is named fits.

    Attributes:
        name: goes into the detail of our answer; nothing of the gateway's does, which
            quotes numbers and texts.
        bodies: the gateway's own JSON, if left out.
        when: what else must be so.
    """

    name: str
    make: Make
    statuses: frozenset[int]
    bodies: frozenset[Body] = _JSON
    when: Callable[[Said], bool] = field(default=lambda _: True)

    def fits(self, said: Said) -> bool:
        """Whether this line speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and self.when(said)
        )


def said_by(reply: HttpReply) -> Said:
    """Read an answer; never raises."""
    raw = reply.body.strip()
    if not raw:
        return Said(reply.status, Body.EMPTY)
    words = raw.decode("utf-8", "replace").lower()
    if raw.startswith(b"<"):
        return Said(reply.status, Body.PAGE, words=words)
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return Said(reply.status, Body.TEXT, words=words)
    kind = Body.JSON if isinstance(data, dict | list) else Body.TEXT
    return Said(reply.status, kind, data, words)


def answered(table: tuple[Row, ...], reply: HttpReply) -> Answer:
    """Say what became of a send; what no line knows may have been accepted."""
    said = said_by(reply)
    for row in table:
        if row.fits(said):
            return row.make(row.name, reply, said)
    return UnknownOutcome(f"{reply.status} is not in the acceptance table")


# --- what a line makes of an answer


def takes(read: Callable[[Any], Accepted | None]) -> Make:
    """Accepted, if *read* finds a message's id."""

    def make(name: str, reply: HttpReply, said: Said) -> Answer:
        return read(said.data) or unknown(name, reply, said)

    return make


def refused(kind: Refusal) -> Make:
    """Refused for good."""
    return lambda name, reply, _: Refused(kind, f"{reply.status} {name}")


def waits(signal: SenderSignal | None = None) -> Make:
    """Not accepted, for now: the lane waits."""
    return lambda name, reply, _: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=retry_after(reply.headers),
        signal=signal,
    )


def unclear(name: str, reply: HttpReply, _said: Said) -> Answer:
    """This message was not accepted, nobody knows why."""
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def unknown(name: str, reply: HttpReply, _said: Said) -> Answer:
    """It may have been accepted."""
    return UnknownOutcome(f"{reply.status} {name}")


EDGE: Final = (
    Row(name="rate limit", make=waits(), statuses=frozenset({429}), bodies=ANY),
    Row(
        name="turned away at the edge",
        make=waits(),
        statuses=frozenset({401, 403, 404}),
        bodies=frozenset({Body.PAGE}),
    ),
    Row(
        name="turned away at the edge",
        make=waits(),
        statuses=frozenset({403, 404}),
        bodies=frozenset({Body.EMPTY}),
    ),
    Row(
        name="moved elsewhere",
        make=waits(),
        statuses=frozenset({301, 307, 308}),
        bodies=ANY,
    ),
)
"""What a proxy in front of any gateway answers: the gateway never saw the request."""


# --- answers to questions


def asked(table: tuple[Row, ...], reply: HttpReply, what: str) -> Said:
    """The answer to a question, if it is one.

    Raises:
        Misconfigured: the gateway does not accept our key.
        Unavailable: anything else that is no success in JSON.
    """
    said = said_by(reply)
    if reply.status in SUCCESS and said.body is Body.JSON:
        return said
    match answered(table, reply):
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            message = (
                f"the WhatsApp gateway does not accept the API key ({reply.status}): "
                "correct OUTREACH_BAILEYS_API_KEY"
            )
            raise Misconfigured(message)
    raise unreadable(reply, what)


def unreadable(reply: HttpReply, what: str) -> Unavailable:
    """What is raised about an answer that does not tell *what*."""
    message = f"the WhatsApp gateway did not tell {what}: {reply.status}"
    return Unavailable(message, retry_after=retry_after(reply.headers))
