"""Address keys: how one contact point is named in suppressions, locks and events."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from outreach.domain.ids import LeadId

__all__ = [
    "AddressKey",
    "AddressKind",
    "email_keys",
    "lead_key",
    "mailbox",
    "phone_key",
]


class AddressKind(StrEnum):
    """What a key names."""

    PHONE = "phone"
    EMAIL = "email"
    DOMAIN = "domain"
    LEAD = "lead"
    """Whoever an event is about that names no address; in the inbox alone."""


@frozen(order=True)
class AddressKey:
    """A normalised phone (E.164), address (lower case, IDNA) or domain."""

    kind: AddressKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @classmethod
    def of(cls, text: str) -> AddressKey:
        """Read ``phone:+40712345678`` back.

        Raises:
            ValueError: no known kind before the colon.
        """
        kind, _, value = text.partition(":")
        return cls(AddressKind(kind), value)


def phone_key(e164: str) -> AddressKey:
    """Key of a phone number that is already E.164, such as ``+40712345678``."""
    return AddressKey(AddressKind.PHONE, e164)


def email_keys(address: str) -> tuple[AddressKey, ...]:
    """Keys of an address and of its domain; each stops a message to it.

    And of ``ana@example.com`` for ``ana+offers@example.com``: one mailbox, one person.
    """
    domain = address.rpartition("@")[2]
    plain = mailbox(address)
    also = () if plain == address else (AddressKey(AddressKind.EMAIL, plain),)
    return (
        AddressKey(AddressKind.EMAIL, address),
        AddressKey(AddressKind.DOMAIN, domain),
        *also,
    )


def mailbox(address: str) -> str:
    """An address without its sub-address."""
    local, _, domain = address.rpartition("@")
    name = local.partition("+")[0]
    return f"{name}@{domain}" if name else address


def lead_key(lead: LeadId) -> AddressKey:
    """Key of a lead as such: while an event with it waits, the lead gets nothing."""
    return AddressKey(AddressKind.LEAD, str(lead))
