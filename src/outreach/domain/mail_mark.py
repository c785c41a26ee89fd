"""How an answer to a mail finds the attempt that it answers, whatever id the mail got.

Providers give mails an id of their own. What a mail says it refers to they leave alone,
and an answer names that again (RFC 5322, 3.6.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from outreach.domain.ids import AttemptId

__all__ = ["mail_mark", "marked_attempts"]

_ATTEMPT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def mail_mark(attempt: AttemptId, sender: str) -> str:
    """A mail id that names *attempt*, for the References of a mail from *sender*."""
    return f"<{attempt}@{sender.rpartition('@')[2]}>"


def marked_attempts(references: Sequence[str]) -> tuple[AttemptId, ...]:
    """The attempts that mail ids name, in order; ids of others name none.

    Whoever knows one can make such an id: it says which message an answer is about,
    and proves nothing.
    """
    found: dict[AttemptId, None] = {}
    for reference in references:
        local = reference.strip("<>").partition("@")[0].lower()
        if _ATTEMPT.fullmatch(local):
            found[AttemptId(UUID(local))] = None
    return tuple(found)
