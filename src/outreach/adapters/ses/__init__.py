"""Amazon SES: warm mail over the vendor's REST API (v2), its events by Amazon SNS."""

from outreach.adapters.ses.events import SesReader
from outreach.adapters.ses.gateway import SesGateway, base_url_of, open_account
from outreach.adapters.ses.signatures import SnsSignatures, signatures
from outreach.adapters.ses.signing import Credentials

__all__ = [
    "Credentials",
    "SesGateway",
    "SesReader",
    "SnsSignatures",
    "base_url_of",
    "open_account",
    "signatures",
]
