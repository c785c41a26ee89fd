"""What is known about phone numbers, e-mail addresses, countries and time zones."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.lead import Email, Phone, Problem

__all__ = ["Contacts"]


class Contacts(Protocol):
    """Reads contact points; knows nothing of leads and asks no network.

    Promises:
    - a number in its national writing, with ``+``, with ``00`` and with its country
      code alone is the same phone;
    - a leading zero that a spreadsheet dropped does not matter;
    - what was read is read again as the same;
    - a number or address that cannot exist is a problem, in words, without its value;
    - an address is in lower case, with its domain in IDNA form;
    - offices (``info@``) are flagged, addresses that are thrown away are a problem;
    - nothing is guessed: a mistyped address is a problem or stays as it is;
    - a country is found by its codes and its names; an unknown one is empty;
    - a country's zones keep different time; an unknown country has none;
    - any text is answered.
    """

    def phone(self, text: str, *, region: str) -> Phone | Problem:
        """Read one number.

        Args:
            text: digits, with or without a plus and punctuation.
            region: ISO 3166 alpha-2 of the country whose national writing is meant.
        """
        ...

    def email(self, text: str) -> Email | Problem:
        """Read one address; its syntax is checked, not whether it exists."""
        ...

    def country(self, text: str) -> str:
        """ISO 3166 alpha-2 of a code or name in any case, or empty."""
        ...

    def zones(self, country: str) -> tuple[str, ...]:
        """IANA names of a country, one for each way its clocks have gone since 2020."""
        ...

    def zone(self, text: str) -> str:
        """The IANA name meant, in its own spelling, or empty."""
        ...
