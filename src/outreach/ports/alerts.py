"""Telling people that something needs them."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen, validators

from outreach.domain.incident import SEVERITY_OF, Severity

__all__ = ["Alert", "Alerts"]


@frozen
class Alert:
    """One thing that went wrong or needs a person.

    Attributes:
        kind: one of `SEVERITY_OF`, such as ``phone.offline``.
        about: id of the sender, lead, account; never a number or address.
    """

    kind: str = field(validator=validators.in_(SEVERITY_OF))
    about: str
    says: str

    @property
    def severity(self) -> Severity:
        """How soon somebody must look."""
        return SEVERITY_OF[self.kind]


class Alerts(Protocol):
    """Promises:
    - an alert that cannot be delivered raises nothing;
    - the same incident is one alert until it is over.
    """

    async def raise_(self, alert: Alert) -> None:
        """Tell people."""
        ...

    async def over(self, kind: str, about: str) -> None:
        """The incident has ended; the next one alerts again."""
        ...
