"""Sends mail from mailboxes of our own.

Needs the extra ``smtp``: aiosmtplib, dkimpy and dnspython are imported where they are
used.
"""

from outreach.adapters.smtp.domains import Domains, Wanted, resolver
from outreach.adapters.smtp.gateway import Pool, SmtpGateway
from outreach.adapters.smtp.signing import Signer, load_keys

__all__ = [
    "Domains",
    "Pool",
    "Signer",
    "SmtpGateway",
    "Wanted",
    "load_keys",
    "resolver",
]
