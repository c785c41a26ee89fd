"""Links that stand in what we send: made here, and read when they come back."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.link import Link

__all__ = ["Links"]


class Links(Protocol):
    """Signs links. No I/O.

    Promises:
    - a link reads back as it was made;
    - the same link is written the same way by every process;
    - links that differ are written differently;
    - a token shows nothing of what it says;
    - a token that was changed in any place reads as nothing;
    - what was not made here reads as nothing.
    """

    def url(self, link: Link, language: str) -> str:
        """Where it leads; its last part is the token. Empty: there is no key to sign.

        Args:
            link: what the token says.
            language: of the page, one of `outreach.domain.link.LANGUAGES`.
        """
        ...

    def read(self, token: str) -> Link | None:
        """What a token says; None: it is none of ours. It takes the same time."""
        ...
