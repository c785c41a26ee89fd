"""A mail as the inbox keeps it: with where it was found, so that reading it again says
the same. No I/O.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

__all__ = ["RECEIVED", "SENT", "Kept", "keep", "kept"]

RECEIVED: Final = "received"
SENT: Final = "sent"

_FORM: Final = b"outreach-mail: 1"
_FOLDERS: Final = frozenset({RECEIVED, SENT})


@frozen
class Kept:
    """One mail of one of our mailboxes.

    Attributes:
        mailbox: our address; empty for a catch-all, where the mail itself says it.
        folder: `RECEIVED` or `SENT`.
        raw: the mail, cut off at `mime.MOST_BYTES`.
    """

    mailbox: str
    folder: str
    raw: bytes = field(repr=False)


def keep(mail: Kept) -> bytes:
    """What is put into the inbox. It begins with lines of ours, which no mail can
    stand before.
    """
    lines = (_FORM, mail.mailbox.encode(), mail.folder.encode(), b"")
    return b"\n".join(lines) + mail.raw


def kept(stored: bytes) -> Kept | None:
    """Read it back; None: it is no mail that we kept."""
    form, mailbox, folder, raw = (stored.split(b"\n", 3) + [b""] * 4)[:4]
    where = folder.decode("ascii", "replace")
    if form != _FORM or where not in _FOLDERS:
        return None
    return Kept(mailbox.decode("utf-8", "replace"), where, raw)
