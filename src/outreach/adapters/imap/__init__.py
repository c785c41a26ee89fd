"""Mailboxes of our own: what comes back, read by IMAP (RFC 3501, 9051)."""

from outreach.adapters.imap.kept import RECEIVED, SENT, Kept, keep
from outreach.adapters.imap.mailboxes import ImapMailboxes, Source
from outreach.adapters.imap.reader import PROVIDER, MailReader
from outreach.adapters.imap.session import Box, Security, is_loopback

__all__ = [
    "PROVIDER",
    "RECEIVED",
    "SENT",
    "Box",
    "ImapMailboxes",
    "Kept",
    "MailReader",
    "Security",
    "Source",
    "is_loopback",
    "keep",
]
