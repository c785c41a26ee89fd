"""What `doctor` looks at of the mailboxes that are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.mailboxes import read_boxes
from outreach.entrypoints.settings import Settings

__all__ = ["of_mailboxes"]

_MOST_HOSTS: Final = 5


def of_mailboxes(settings: Settings) -> Iterator[Finding]:
    """Which there are, and how they are spoken to; nobody is asked."""
    if not settings.imap.is_set:
        return
    try:
        boxes = list(read_boxes(settings.imap))
    except Misconfigured as error:
        yield Finding("mailboxes", Level.FAIL, str(error), "correct it")
        return
    if settings.smtp.is_set and settings.imap.host:
        says = f"those that we send from are read at {settings.imap.host}"
        yield Finding("mailboxes", Level.OK, says)
    if not boxes:
        return
    catch_all = sum(not box.address for box in boxes)
    hosts = sorted({box.host for box in boxes})
    ways = sorted({str(box.security) for box in boxes})
    says = (
        f"{len(boxes)} are read, {catch_all} of them for many addresses, "
        f"at {', '.join(hosts[:_MOST_HOSTS])}, by {', '.join(ways)}"
    )
    yield Finding("mailboxes", Level.OK, says)
