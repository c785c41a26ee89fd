"""Campaigns: what may be asked of one, and what is known of it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any, Final

import attrs

from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.instantly.shape import Shape, listed, nullable
from outreach.entrypoints.sandbox.instantly.zones import ZONES
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["ACTIVE", "CHANGE", "CREATE", "DRAFT", "PAUSED", "STATUSES", "Campaign"]

DRAFT: Final = 0
ACTIVE: Final = 1
PAUSED: Final = 2
STATUSES: Final = (-99, -2, -1, 0, 1, 2, 3, 4)

_HOUR_OF_DAY: Final = "^([01][0-9]|2[0-3]):([0-5][0-9])$"
_WORD: Final[Shape] = {"type": "string"}
_YES_NO: Final[Shape] = {"type": "boolean"}
_UNITS: Final[Shape] = {"type": "string", "enum": ("minutes", "hours", "days")}
_COUNT: Final[Shape] = {"type": "number", "least": 0}
_PROVIDERS: Final[Shape] = listed(
    {"type": "string", "enum": ("all", "google", "outlook", "other")}
)

_SCHEDULE: Final[Shape] = {
    "type": "object",
    "required": ("name", "timing", "days", "timezone"),
    "properties": {
        "name": {"type": "string"},
        "timing": {
            "type": "object",
            "required": ("from", "to"),
            "properties": {
                "from": {"type": "string", "pattern": _HOUR_OF_DAY},
                "to": {"type": "string", "pattern": _HOUR_OF_DAY},
            },
        },
        "days": {
            "type": "object",
            "properties": {str(day): _YES_NO for day in range(7)},
        },
        "timezone": {"type": "string", "enum": ZONES},
    },
}
_STEP: Final[Shape] = {
    "type": "object",
    "required": ("type", "delay", "variants"),
    "properties": {
        "type": {"type": "string", "enum": ("email",)},
        "delay": _COUNT,
        "delay_unit": _UNITS,
        "pre_delay": _COUNT,
        "pre_delay_unit": _UNITS,
        "variants": listed(
            {
                "type": "object",
                "required": ("subject", "body"),
                "properties": {
                    "subject": _WORD,
                    "body": _WORD,
                    "v_disabled": _YES_NO,
                },
            }
        ),
    },
}
CHANGE: Final[Shape] = {
    "type": "object",
    "closed": True,
    "properties": {
        "name": _WORD,
        "pl_value": nullable("number"),
        "is_evergreen": nullable("boolean"),
        "campaign_schedule": {
            "type": "object",
            "required": ("schedules",),
            "properties": {
                "start_date": nullable("string"),
                "end_date": nullable("string"),
                "schedules": listed(_SCHEDULE, least=1),
            },
        },
        "sequences": listed(
            {
                "type": "object",
                "required": ("steps",),
                "properties": {"steps": listed(_STEP)},
            }
        ),
        "email_gap": nullable("number"),
        "random_wait_max": nullable("number"),
        "text_only": nullable("boolean"),
        "first_email_text_only": nullable("boolean"),
        "email_list": listed(_WORD),
        "daily_limit": nullable("number"),
        "stop_on_reply": nullable("boolean"),
        "email_tag_list": listed({"type": "string", "uuid": True}),
        "link_tracking": nullable("boolean"),
        "open_tracking": _YES_NO,
        "stop_on_auto_reply": nullable("boolean"),
        "daily_max_leads": nullable("integer", least=0),
        "prioritize_new_leads": nullable("boolean"),
        "auto_variant_select": {
            "type": "object",
            "required": ("trigger",),
            "properties": {
                "trigger": {
                    "type": "string",
                    "enum": ("reply_rate", "click_rate", "open_rate"),
                }
            },
        },
        "match_lead_esp": nullable("boolean"),
        "stop_for_company": nullable("boolean"),
        "insert_unsubscribe_header": nullable("boolean"),
        "allow_risky_contacts": nullable("boolean"),
        "disable_bounce_protect": nullable("boolean"),
        "limit_emails_per_company_override": {
            "type": "object",
            "required": ("mode",),
            "properties": {
                "mode": {"type": "string", "enum": ("custom", "disabled")},
                "daily_limit": {"type": "number", "least": 1},
                "scope": {
                    "type": "string",
                    "enum": ("per_campaign", "across_workspace"),
                },
            },
        },
        "cc_list": listed(_WORD),
        "bcc_list": listed(_WORD),
        "owned_by": nullable("string", uuid=True),
        "provider_routing_rules": listed(
            {
                "type": "object",
                "properties": {
                    "action": {"type": "string", "enum": ("send", "do_not_send")},
                    "recipient_esp": _PROVIDERS,
                    "sender_esp": _PROVIDERS,
                },
            }
        ),
    },
}
CREATE: Final[Shape] = {
    **CHANGE,
    "required": ("name", "campaign_schedule"),
    "properties": {
        **CHANGE["properties"],
        "ai_sdr_id": nullable("string", uuid=True),
    },
}


@attrs.define(eq=False)
class Campaign:
    """`asked` is what was asked of it; `history` is (machine time, what, lead).

    What is "sent", "contacted" (a lead's first), "opened", "replied", "auto",
    "bounced", "unsubscribed" or "completed".
    """

    id: str
    organization: str
    created_s: float
    updated_s: float
    status: int
    asked: Json
    variables: set[str] = attrs.field(factory=set)
    history: list[tuple[float, str, str]] = attrs.field(factory=list, repr=False)
    last_sent_s: float | None = None  # engine time

    @property
    def name(self) -> str:
        return str(self.asked["name"])

    @property
    def steps(self) -> list[Json]:
        """Give the steps of the one sequence that counts."""
        sequences: list[Json] = self.asked.get("sequences") or []
        return sequences[0]["steps"] if sequences else []

    @property
    def accounts(self) -> list[str]:
        return [str(one).lower() for one in self.asked.get("email_list") or []]

    def number(self, name: str, default: float) -> float:
        """Give a number that was asked for, or what the vendor takes instead."""
        value = self.asked.get(name)
        return default if value is None else float(value)

    def zone(self) -> zoneinfo.ZoneInfo:
        """Give the zone of its days."""
        return zoneinfo.ZoneInfo(self._schedules()[0]["timezone"])

    def is_open(self, engine_s: float) -> bool:
        """Say whether it may send at this time."""
        return any(_covers(one, engine_s) for one in self._schedules())

    def opens_s(self, engine_s: float) -> float | None:
        """Give the first moment from `engine_s` at which it may send, if any."""
        starts = [_next_start(one, engine_s) for one in self._schedules()]
        return min((s for s in starts if s is not None), default=None)

    def shown(self) -> Json:
        """Give it as the vendor does."""
        info: Json = {
            "id": self.id,
            "status": self.status,
            "timestamp_created": zulu(self.created_s),
            "timestamp_updated": zulu(self.updated_s),
            "organization": self.organization,
            "core_variables": None,
            **self.asked,
        }
        if self.variables:
            info["custom_variables"] = {name: name for name in sorted(self.variables)}
        return info

    def _schedules(self) -> list[Json]:
        schedules: list[Json] = self.asked["campaign_schedule"]["schedules"]
        return schedules


def _local(engine_s: float, schedule: Json) -> dt.datetime:
    return dt.datetime.fromtimestamp(engine_s, zoneinfo.ZoneInfo(schedule["timezone"]))


def _edges(schedule: Json, day: dt.date) -> tuple[float, float] | None:
    """Give the start and the end on one local day; None on a day off."""
    if not schedule["days"].get(str(day.isoweekday() % 7), False):
        return None
    zone = zoneinfo.ZoneInfo(schedule["timezone"])
    edges: list[Any] = [
        dt.datetime.combine(day, dt.time.fromisoformat(schedule["timing"][name]), zone)
        for name in ("from", "to")
    ]
    return edges[0].timestamp(), edges[1].timestamp()


def _covers(schedule: Json, engine_s: float) -> bool:
    edges = _edges(schedule, _local(engine_s, schedule).date())
    return edges is not None and edges[0] <= engine_s < edges[1]


def _next_start(schedule: Json, engine_s: float) -> float | None:
    today = _local(engine_s, schedule).date()
    for after in range(8):
        edges = _edges(schedule, today + dt.timedelta(days=after))
        if edges is not None and edges[1] > max(engine_s, edges[0]):
            return max(engine_s, edges[0])
    return None
