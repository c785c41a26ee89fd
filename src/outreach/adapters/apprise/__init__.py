"""Alerts to people over whatever apprise can reach."""

from outreach.adapters.apprise.outbox import AppriseOutbox, open_sender

__all__ = ["AppriseOutbox", "open_sender"]
