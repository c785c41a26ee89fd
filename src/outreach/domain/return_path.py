"""Where reports about one mail go: an address that names its attempt (VERP).

A report of a mail that came back is sent to the sender of its envelope, whatever is
left of the mail itself in it.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from outreach.domain.ids import AttemptId

__all__ = ["attempt_returned", "return_path"]

_LOCAL: Final = "bounces"
_RETURNED: Final = re.compile(
    rf"<?{_LOCAL}\+([0-9a-f]{{32}})@([^\s<>@]{{1,255}})>?", re.IGNORECASE | re.ASCII
)


def return_path(attempt: AttemptId, domain: str) -> str:
    """``bounces+TOKEN@domain``; the token is the attempt's id in 32 hex digits."""
    return f"{_LOCAL}+{attempt.hex}@{domain}"


def attempt_returned(address: str, domain: str = "") -> AttemptId | None:
    """The attempt that a return path names; None: it is none of ours.

    Whoever got the mail knows it, so it says which mail a report is about, and proves
    nothing. Servers may change the case of letters.

    Args:
        address: the one a report was sent to, with or without angle brackets.
        domain: only addresses of this one are believed; empty: of any.
    """
    found = _RETURNED.fullmatch(address.strip())
    if found is None or (domain and found[2].lower() != domain.lower()):
        return None
    return AttemptId(UUID(found[1]))
