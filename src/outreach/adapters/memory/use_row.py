"""What a lead was sent of a template, in memory."""

from __future__ import annotations

from datetime import datetime

from attrs import define

from outreach.domain.ids import AttemptId, LeadId, TemplateId, TenantId
from outreach.domain.version import TextUsed

__all__ = ["UseRow", "Uses"]


@define(eq=False)
class UseRow:
    """A lead's first use of a template, and what the lead did then."""

    tenant: TenantId
    text: TextUsed
    attempt: AttemptId
    at: datetime
    sent: bool = False
    opened: bool = False
    replied: bool = False
    positive: bool = False
    converted: bool = False


Uses = dict[LeadId, dict[TemplateId, UseRow]]
"""By lead and template."""
