"""TimelinesAI: WhatsApp numbers of a workspace at the vendor, over its public API."""

from outreach.adapters.timelinesai.gateway import (
    BASE_URL,
    TimelinesGateway,
    open_client,
)
from outreach.adapters.timelinesai.webhooks import TimelinesReader

__all__ = ["BASE_URL", "TimelinesGateway", "TimelinesReader", "open_client"]
