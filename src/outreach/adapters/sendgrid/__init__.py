"""SendGrid: warm mail from authenticated domains, over the vendor's v3 Web API."""

from outreach.adapters.sendgrid.gateway import BASE_URL, SendGridGateway, open_client
from outreach.adapters.sendgrid.signatures import SendGridSignatures, signatures
from outreach.adapters.sendgrid.webhooks import SendGridReader

__all__ = [
    "BASE_URL",
    "SendGridGateway",
    "SendGridReader",
    "SendGridSignatures",
    "open_client",
    "signatures",
]
