"""What people call a sender, by its number, address or name alone."""

from __future__ import annotations

__all__ = ["called", "commands_for", "has_address"]


def has_address(number: str) -> bool:
    """Whether the world knows it by that; else it is a name of ours."""
    return number.startswith("+") or "@" in number


def called(number: str) -> str:
    """Phone +40712345678, mailbox ana@firma.ro, account instantly/default."""
    if number.startswith("+"):
        return f"phone {number}"
    return f"mailbox {number}" if "@" in number else f"account {number}"


def commands_for(number: str) -> str:
    """The group of commands that takes it: ``outreach phones`` or ``mailboxes``."""
    return "outreach phones" if number.startswith("+") else "outreach mailboxes"
