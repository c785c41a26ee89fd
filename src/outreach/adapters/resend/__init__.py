"""Resend: warm mail from verified domains, over the vendor's REST API."""

from outreach.adapters.resend.gateway import BASE_URL, ResendGateway, open_client
from outreach.adapters.resend.signatures import SvixSignatures, signatures
from outreach.adapters.resend.webhooks import ResendReader

__all__ = [
    "BASE_URL",
    "ResendGateway",
    "ResendReader",
    "SvixSignatures",
    "open_client",
    "signatures",
]
