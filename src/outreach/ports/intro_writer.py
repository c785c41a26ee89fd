"""Whoever writes a sentence about a lead, long before it is sent."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.ids import TenantId
from outreach.domain.intro import Asked, Written

__all__ = ["IntroWriter"]


class IntroWriter(Protocol):
    """Writes from the facts it is shown; it sends nothing and decides nothing.

    Promises:
    - whatever the facts say, something is written or there is a doubt;
    - what seems to instruct its reader is not read;
    - without facts nothing is written.

    What was written is checked by whoever asked.
    """

    async def write(self, asked: Asked, *, tenant: TenantId) -> Written | None:
        """Write an intro; None: nobody writes for this tenant."""
        ...
