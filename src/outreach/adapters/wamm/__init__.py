"""Wamm (experimental): WhatsApp over a contract that was seen at a client of it."""

from outreach.adapters.wamm.gateway import BASE_URL, WammGateway, open_client
from outreach.adapters.wamm.webhooks import WammReader

__all__ = ["BASE_URL", "WammGateway", "WammReader", "open_client"]
