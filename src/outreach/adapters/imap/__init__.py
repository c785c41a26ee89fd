"""Mailboxes of our own: what comes back, read by IMAP (RFC 3501, 9051)."""

from outreach.adapters.imap.kept import RECEIVED, SENT, Kept, keep
from outreach.adapters.imap.reader import PROVIDER, MailReader

__all__ = ["PROVIDER", "RECEIVED", "SENT", "Kept", "MailReader", "keep"]
