"""Instantly: cold mail by campaigns of a workspace at the vendor, over its API v2."""

from outreach.adapters.instantly.gateway import (
    BASE_URL,
    InstantlyGateway,
    open_client,
)
from outreach.adapters.instantly.webhooks import InstantlyReader

__all__ = ["BASE_URL", "InstantlyGateway", "InstantlyReader", "open_client"]
