"""What people are told about: the closed set of kinds, and how grave each is."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["SEVERITY_OF", "TEST_KIND", "Severity"]


class Severity(StrEnum):
    """How soon somebody must look, the gravest first."""

    CRITICAL = "CRITICAL"
    """At once: something must not go on as it is."""
    WARNING = "WARNING"
    """Today: part of the sending stands still, or soon will."""
    INFO = "INFO"
    """When there is time."""


TEST_KIND: Final = "alerts.test"
"""Of the message that shows that alerts arrive."""

SEVERITY_OF: Final = MappingProxyType(
    {
        "phone.offline": Severity.WARNING,
        "phone.banned": Severity.CRITICAL,
        "phone.reachout_locked": Severity.INFO,
        "phone.silent": Severity.WARNING,
        "sender.mismatch": Severity.CRITICAL,
        "mailbox.paused": Severity.WARNING,
        "domain.fault": Severity.CRITICAL,
        "bounce.high": Severity.WARNING,
        "complaint.high": Severity.CRITICAL,
        "campaign.paused": Severity.WARNING,
        "segregation.violation": Severity.CRITICAL,
        "quota.near": Severity.INFO,
        "quota.exhausted": Severity.INFO,
        "backlog.high": Severity.WARNING,
        "provider.unhealthy": Severity.CRITICAL,
        "provider.quota": Severity.WARNING,
        "unknown.high": Severity.WARNING,
        "message.stuck": Severity.WARNING,
        "review.urgent": Severity.WARNING,
        "sla.risk": Severity.INFO,
        "sla.breach": Severity.WARNING,
        "webhook.rejected": Severity.WARNING,
        "event.parked": Severity.WARNING,
        "fact.anomaly": Severity.INFO,
        "stop.unconfirmed": Severity.CRITICAL,
        "partition.default_used": Severity.WARNING,
        "clock.skew": Severity.CRITICAL,
        "invariant.breach": Severity.CRITICAL,
        "pipeline.degraded": Severity.CRITICAL,
        "lead.converted": Severity.INFO,
        "version.picked": Severity.INFO,
        TEST_KIND: Severity.INFO,
    }
)
