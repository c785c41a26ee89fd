"""Where a gateway is put to the test: its provider, at the test's command."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Protocol
from uuid import UUID, uuid5

from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.ids import AccountId, AttemptId, IntentId, SenderId
from outreach.domain.message import Parcel
from outreach.ports.gateway import Gateway

__all__ = [
    "OURS",
    "THEIRS",
    "WAIT",
    "RegistersWorkbench",
    "Situation",
    "Workbench",
    "parcel",
    "raised",
]

OURS: Final = ("+40720000001", "+40720000002")
"""Numbers that a workbench has connected."""
THEIRS: Final = "+40731000001"
WAIT: Final = timedelta(seconds=7)
"""What a workbench asks for in RATE_LIMITED."""

_NAMESPACE: Final = UUID("0d2b7c0e-64a5-5f0f-8d0c-5f3d1c9f7a11")


class Situation(Enum):
    """What the provider and the line do to the sends that follow."""

    WELL = auto()
    SLOW = auto()
    """The answer takes a moment, but comes in time."""
    RATE_LIMITED = auto()
    """429, and the provider asks for `WAIT`."""
    RATE_LIMITED_SOMEHOW = auto()
    """429, without a wait."""
    BUSY = auto()
    """The provider's documented 'not now', before acceptance."""
    UNREACHABLE = auto()
    """Nobody takes the connection."""
    TURNED_AWAY = auto()
    """A page of an edge or proxy that the provider's API never saw."""
    KEY_REVOKED = auto()
    NOBODY_THERE = auto()
    """The provider documents that it will never write to this recipient."""
    FIRST_REFUSED = auto()
    """Of many messages the first is refused for good; of one, that one."""
    BUSY_SOMEWHERE = auto()
    """503 of who knows whom; the message was accepted."""
    BROKEN = auto()
    """500; the message was accepted."""
    SILENT = auto()
    """The message was accepted; no answer comes."""
    CUT_OFF = auto()
    """The message was accepted; the connection breaks within the answer."""
    RUBBISH = auto()
    """200 with something unreadable; the message was accepted."""
    LOST = auto()
    """The connection breaks; the message was not accepted."""


class Workbench(Protocol):
    """An adapter, and the provider it speaks to at the test's command."""

    @property
    def gateway(self) -> Gateway:
        """The adapter; it has the abilities whose suites are run."""
        ...

    @property
    def arrivals(self) -> int:
        """Requests to send that reached the provider, whatever became of them."""
        ...

    @property
    def accepted(self) -> Sequence[str]:
        """Texts of the messages that the provider accepted, in order."""
        ...

    async def arrange(self, situation: Situation) -> None:
        """Bring about what the calls that follow meet (questions included)."""
        ...


def parcel(text: str = "Bună ziua!", *, thread: str = "") -> Parcel:
    """A parcel from the first of `OURS` to `THEIRS`."""
    name = uuid5(_NAMESPACE, text)
    return Parcel(
        attempt=AttemptId(name),
        intent=IntentId(name),
        permit=Permit(Channel.WHATSAPP, State.COLD),
        account=AccountId(_NAMESPACE),
        sender=SenderId(_NAMESPACE),
        sender_number=OURS[0],
        to=THEIRS,
        text=text,
        thread=thread,
    )


class RegistersWorkbench(Workbench, Protocol):
    """A workbench whose provider can be told where to send webhooks."""

    def registered(self, url: str) -> Sequence[str]:
        """Event types that go to *url*, one entry per registration."""
        ...


async def raised(call: Awaitable[object]) -> Unavailable | Misconfigured | None:
    """Await *call*, and give what a port raises on purpose; None if nothing."""
    try:
        await call
    except (Unavailable, Misconfigured) as error:
        return error
    return None
