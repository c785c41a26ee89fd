"""Read by mypy only: what reads our own mailboxes fits what it claims."""

from __future__ import annotations

from outreach.adapters.imap import ImapMailboxes, MailReader, Source
from outreach.adapters.memory import MemoryMailboxes, MemoryPlaces
from outreach.adapters.postgres.places import PostgresPlaces
from outreach.entrypoints.mailboxes import Boxes
from outreach.ports.gateway import Reads
from outreach.ports.mailboxes import ReadsMailboxes
from outreach.ports.places import Places


def reads(
    one: ImapMailboxes, other: MemoryMailboxes
) -> tuple[ReadsMailboxes, ReadsMailboxes, Reads]:
    return one, other, MailReader()


def kept(
    one: PostgresPlaces, other: MemoryPlaces, known: Boxes
) -> tuple[Places, Places, Source]:
    return one, other, known
