"""Who must not be contacted, and what is switched off."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import frozen

from outreach.domain.address import AddressKey, AddressKind, email_keys, phone_key
from outreach.domain.channel import Channel
from outreach.domain.ids import CampaignId, SenderId

__all__ = [
    "BY_MAIL",
    "RESTORED",
    "Suppression",
    "SuppressionReason",
    "Switch",
    "SwitchScope",
    "breaker_of",
    "of_person",
    "stopped_by",
    "way_out",
]

BY_MAIL: Final = frozenset({"engine", "provider"})
"""Who opens a breaker by what became of a campaign's mail."""
_MAIL: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})

RESTORED: Final = "restored"
"""What the engine's own switch of scope ALL is of: a database set back in time."""


class SuppressionReason(StrEnum):
    """Why an address is suppressed."""

    OPT_OUT = "OPT_OUT"
    COMPLAINT = "COMPLAINT"
    BOUNCE = "BOUNCE"
    PERSON = "PERSON"
    ERASED = "ERASED"


@frozen
class Suppression:
    """An address, number or domain that gets nothing, on any channel.

    Attributes:
        everywhere: on the operator's global list, for all tenants.
    """

    key: AddressKey
    reason: SuppressionReason
    by: str
    at: datetime
    everywhere: bool = False


def of_person(
    number: str, email: str, *, reason: SuppressionReason, by: str, at: datetime
) -> tuple[Suppression, ...]:
    """What one person's word stops: all their contact points, on every channel.

    Args:
        number: E.164, or empty.
        email: an address, or empty. Its domain goes on: others write from there. Its
            sub-address does not: that is the same person.
    """
    keys = [phone_key(number)] if number else []
    if email:
        mails = email_keys(email)
        keys += [key for key in mails if key.kind is not AddressKind.DOMAIN]
    return tuple(Suppression(key, reason, by, at) for key in keys)


class SwitchScope(StrEnum):
    """What a kill switch covers."""

    ALL = "ALL"
    TENANT = "TENANT"
    CHANNEL = "CHANNEL"
    SENDER = "SENDER"
    CAMPAIGN = "CAMPAIGN"
    """A breaker that is open: thrown by the engine, closed by a person."""


@frozen
class Switch:
    """A kill switch that is thrown: nothing it covers is armed.

    Attributes:
        of: the channel's name, the sender's or the campaign's id; empty for ALL and
            TENANT, but `RESTORED` for what a restored database holds.
    """

    scope: SwitchScope
    of: str
    reason: str
    by: str
    at: datetime


def stopped_by(
    switches: tuple[Switch, ...], channel: Channel, sender: SenderId | None
) -> Switch | None:
    """The first thrown switch that covers a message, if any."""
    for switch in switches:
        if switch.scope in {SwitchScope.ALL, SwitchScope.TENANT}:
            return switch
        if switch.scope is SwitchScope.CHANNEL and switch.of == channel:
            return switch
        if switch.scope is SwitchScope.SENDER and switch.of == str(sender):
            return switch
    return None


def way_out(switch: Switch) -> str:
    """The command that lets go on what a switch stops."""
    if (switch.scope, switch.of) == (SwitchScope.ALL, RESTORED):
        return "outreach confirm-restore"
    flags = {
        SwitchScope.ALL: "",
        SwitchScope.TENANT: " --tenant",
        SwitchScope.CHANNEL: f" --channel {switch.of}",
        SwitchScope.SENDER: f" --sender {switch.of}",
        SwitchScope.CAMPAIGN: f" --campaign {switch.of}",
    }
    return "outreach resume" + flags[switch.scope]


def breaker_of(
    switches: tuple[Switch, ...],
    campaign: CampaignId | None,
    channel: Channel | None = None,
) -> Switch | None:
    """The open breaker of a campaign, if it is open; for a channel, if that matters.

    One that opened by what became of its mail stops mail; a person's stops all of it.
    """
    for switch in switches:
        if switch.scope is not SwitchScope.CAMPAIGN or switch.of != str(campaign):
            continue
        if channel in _MAIL | {None} or switch.by not in BY_MAIL:
            return switch
    return None
