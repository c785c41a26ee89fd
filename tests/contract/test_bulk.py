"""Where one call carries many messages, every store keeps the ports' promises."""

from __future__ import annotations

from outreach.testing.bulk import BulkContract


class TestBulk(BulkContract):
    pass
