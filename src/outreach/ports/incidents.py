"""Incidents that people were told of, shared by all workers."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Incidents"]


class Incidents(Protocol):
    """Remembers what is going wrong, so that it is told once.

    An incident is a kind of alert and the id of what it is about.

    Promises:
    - the first to open an incident tells people, nobody after it does;
    - of many who open it at once one tells people;
    - an incident that was closed may be opened again;
    - one that nobody confirms to have told of is told of by a later one;
    - another kind, or about another thing, is another incident;
    - closing what is not open changes nothing.
    """

    async def open(self, kind: str, about: str) -> bool:
        """Whether the caller must tell people.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def told(self, kind: str, about: str) -> None:
        """People were told; the incident stays open."""
        ...

    async def close(self, kind: str, about: str) -> bool:
        """It has ended; whether it was open."""
        ...
