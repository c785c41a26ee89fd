"""What comes in, in our own words: one shape for every provider."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from outreach.domain.address import AddressKey
from outreach.domain.channel import Channel
from outreach.domain.ids import EventId, LeadId, TenantId

__all__ = ["Arrival", "Arrived", "EventType", "SystemEvent"]


class EventType(StrEnum):
    """What an event says."""

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    REPLY = "REPLY"
    BOUNCE = "BOUNCE"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    COMPLAINT = "COMPLAINT"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    FAILED = "FAILED"
    AUTO_REPLY = "AUTO_REPLY"
    EXTERNAL_SENT = "EXTERNAL_SENT"
    SENDER_CONNECTED = "SENDER_CONNECTED"
    SENDER_DISCONNECTED = "SENDER_DISCONNECTED"
    SENDER_LOCKED = "SENDER_LOCKED"
    SENDER_BANNED = "SENDER_BANNED"
    UNKNOWN = "UNKNOWN"


@frozen
class SystemEvent:
    """One thing that happened at a provider.

    Attributes:
        key: identifies it at the provider, for good: its own event id, else made
            of what identifies the event. The same event again has the same key.
        ref: the provider's id of the message it is about.
        thread: the provider's id of the conversation.
        sender: our number or address, as the provider names it (phones E.164).
        address: the other side.
        content: text of a reply or of a message that a person sent.
        subject: of a mail, as the provider names it.
        media: there is something beside the text.
        incomplete: the provider keeps the rest, to be fetched by *ref*.
        references: ids (RFC 5322, with their angle brackets) of the mails that it
            says it answers, nearest first.
        occurred_at: None if the provider does not say.
        ours: the provider says that our own API sent it (None: it does not say).
        diagnostic: why a mail came back, in the words of the server that returned it
            (``550 5.1.1 no such user``); empty if the provider does not hand it on.
        passing: of SENDER_DISCONNECTED: the provider is connecting it again by itself.
        until: of SENDER_LOCKED: wall clock, when it ends, if the provider says so.
        tenant, lead: whom it is about, where the event itself says so: only what came
            in by a link that we signed does.
    """

    key: str
    provider: str
    type: EventType
    channel: Channel
    ref: str = ""
    thread: str = ""
    sender: str = ""
    address: AddressKey | None = None
    content: str = ""
    subject: str = ""
    media: bool = False
    occurred_at: datetime | None = None
    ours: bool | None = None
    detail: str = ""
    incomplete: bool = False
    references: tuple[str, ...] = ()
    diagnostic: str = ""
    passing: bool = False
    until: datetime | None = None
    tenant: TenantId | None = None
    lead: LeadId | None = None


@frozen
class Arrival:
    """What the intake stores before it answers.

    Attributes:
        account: name of the provider account the token or secret belongs to.
        raw: the body as it came, at most 1 MiB, or the part of it that says this
            event; reading it again gives the event.
        key, type, address: of the one event of the body that this stands for.
    """

    provider: str
    account: str
    raw: bytes = field(repr=False)
    key: str
    type: EventType
    address: AddressKey | None
    received_at: datetime


@frozen
class Arrived:
    """A stored arrival, leased to one worker until it is applied or parked.

    Attributes:
        tries: how often it was parked, or a worker died with it in hand.
    """

    id: EventId
    arrival: Arrival
    tries: int
