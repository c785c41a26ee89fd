"""Address keys: how one contact point is named in suppressions, locks and events."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

__all__ = ["AddressKey", "AddressKind", "email_keys", "phone_key"]


class AddressKind(StrEnum):
    """What a key names."""

    PHONE = "phone"
    EMAIL = "email"
    DOMAIN = "domain"


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


def email_keys(address: str) -> tuple[AddressKey, AddressKey]:
    """Keys of an address and of its domain; both stop a message to it."""
    domain = address.rpartition("@")[2]
    return (
        AddressKey(AddressKind.EMAIL, address),
        AddressKey(AddressKind.DOMAIN, domain),
    )
