"""Leads: what may be asked of one, and what is known of it."""

from __future__ import annotations

import re
from typing import Final

import attrs

from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.instantly.shape import Shape, bad, listed, nullable
from outreach.entrypoints.sandbox.journal import Json

__all__ = [
    "ADD",
    "BOUNCED",
    "COMPLETED",
    "UNSUBSCRIBED",
    "WAITING",
    "Lead",
    "check_variables",
]

WAITING: Final = 1
COMPLETED: Final = 3
BOUNCED: Final = -1
UNSUBSCRIBED: Final = -2

_INTEREST: Final[Shape] = {"type": "number"}
_UUID: Final[Shape] = {"type": "string", "uuid": True}
_YES_NO: Final[Shape] = {"type": "boolean"}
_FIELDS: Final = {
    "first_name": "firstName",
    "last_name": "lastName",
    "company_name": "companyName",
    "job_title": "jobTitle",
    "website": "website",
    "phone": "phone",
    "personalization": "personalization",
}
_LEAD: Final[Shape] = {
    "type": "object",
    "closed": True,
    "properties": {
        "email": nullable("string"),
        **{name: nullable("string") for name in _FIELDS},
        "lt_interest_status": _INTEREST,
        "pl_value_lead": nullable("string"),
        "assigned_to": nullable("string", uuid=True),
        "custom_variables": {"type": "object"},
    },
}
ADD: Final[Shape] = {
    "type": "object",
    "required": ("leads",),
    "properties": {
        "campaign_id": _UUID,
        "list_id": _UUID,
        "leads": listed(_LEAD, least=1, most=1000),
        "blocklist_id": nullable("string", uuid=True),
        "assigned_to": _UUID,
        "verify_leads_on_import": _YES_NO,
        "skip_if_in_workspace": _YES_NO,
        "skip_if_in_campaign": _YES_NO,
        "skip_if_in_list": _YES_NO,
    },
}
_VARIABLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check_variables(lead: Json, path: str) -> None:
    """Raise Refused if a custom variable is a list or an object."""
    for name, value in lead.get("custom_variables", {}).items():
        if not isinstance(value, str | int | float | bool | None):
            message = (
                f"{path}/custom_variables/{name} must be string,number,boolean,null"
            )
            raise bad(message)


@attrs.define(eq=False)
class Lead:
    """One address in one campaign. `due_s` is the engine time of its next step."""

    id: str
    organization: str
    campaign: str
    email: str
    asked: Json
    created_s: float
    due_s: float
    status: int = WAITING
    step: int = 0
    opens: int = 0
    replies: int = 0
    touched_s: float | None = None
    mails: list[str] = attrs.field(factory=list)

    def payload(self) -> Json:
        """Give its data under the names that texts and webhooks use."""
        named = {
            name: self.asked[field]
            for field, name in _FIELDS.items()
            if self.asked.get(field) is not None
        }
        return {**named, **self.asked.get("custom_variables", {})}

    def render(self, text: str) -> str:
        """Put its data into a text of the campaign; what it lacks is left out."""
        values = {**self.payload(), "email": self.email}

        def value(found: re.Match[str]) -> str:
            held = values.get(found[1])
            return "" if held is None else str(held)

        return _VARIABLE.sub(value, text)

    def shown(self) -> Json:
        """Give it as the vendor does."""
        info: Json = {
            "id": self.id,
            "timestamp_created": zulu(self.created_s),
            "timestamp_updated": zulu(self.touched_s or self.created_s),
            "organization": self.organization,
            "campaign": self.campaign,
            "status": self.status,
            "email": self.email,
            **{name: self.asked.get(name) for name in _FIELDS},
            "email_open_count": self.opens,
            "email_reply_count": self.replies,
            "email_click_count": 0,
            "company_domain": self.email.rpartition("@")[2],
            "status_summary": {},
            "payload": self.payload(),
            "upload_method": "api",
        }
        if self.touched_s is not None:
            info["timestamp_last_contact"] = zulu(self.touched_s)
        return info
