"""A campaign at the vendor: what a plan makes of it, and whether it is that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpRequest
from outreach.adapters.instantly.api import PAGE, get, post, request
from outreach.adapters.instantly.words import (
    ACTIVE,
    BODY,
    HEALTHY,
    STATES,
    STATUSES,
    SUBJECT,
    Json,
    address_of,
    part,
    plain,
    uid,
)
from outreach.adapters.instantly.zones import Schedule, schedule
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)

__all__ = [
    "NAME_BEGINS",
    "Campaign",
    "Wanted",
    "accounts_request",
    "activate_request",
    "campaign_request",
    "campaigns_request",
    "counts_request",
    "create_request",
    "hold_of",
    "mailboxes",
    "mend_request",
    "pause_request",
    "read_counts",
    "reason",
    "status_request",
    "wanted",
]

NAME_BEGINS: Final = "outreach "
"""Of every campaign that we make (`CampaignPlan.name`)."""

_KNOBS: Final[Mapping[str, bool]] = {
    "text_only": True,
    "first_email_text_only": True,
    "open_tracking": False,
    "link_tracking": False,
    "stop_on_reply": True,
    "stop_on_auto_reply": False,
    "insert_unsubscribe_header": True,
    "disable_bounce_protect": False,
}
_STEPS: Final = [
    {
        "steps": [
            {
                "type": "email",
                "delay": 0,
                "variants": [
                    {
                        "subject": "{{" + SUBJECT + "}}",
                        "body": "{{" + BODY + "}}",
                    }
                ],
            }
        ]
    }
]
_SILENT: Final = ("start_date", "end_date", "v_disabled")
_LONGEST_SAYS: Final = 200


@frozen
class Wanted:
    """A plan in the vendor's words.

    Attributes:
        settings: of the campaign, but for its mailboxes.
    """

    name: str
    settings: Json


@frozen
class Campaign:
    """A campaign as the vendor tells it.

    Attributes:
        status: the vendor's number; None: it does not say.
    """

    id: str
    name: str
    status: int | None
    made_at: str
    told: Json

    @classmethod
    def read(cls, item: Json) -> Campaign:
        """Read the vendor's object."""
        status = item.get("status")
        return cls(
            id=uid(item.get("id")),
            name=plain(item.get("name")),
            status=status if type(status) is int else None,
            made_at=plain(item.get("timestamp_created")),
            told=item,
        )

    def differs(self, plan: Wanted) -> list[str]:
        """Settings that are not as planned; what the vendor adds does not count."""
        return [
            name
            for name, value in plan.settings.items()
            if not _agrees(value, self.told.get(name))
        ]

    def mailboxes(self) -> frozenset[str]:
        """The mailboxes that it sends from."""
        listed = self.told.get("email_list")
        return frozenset(map(address_of, listed if isinstance(listed, list) else ()))


def wanted(plan: CampaignPlan, today: date) -> Wanted | None:
    """What the campaign must be; None: no zone of the vendor lies inside the window.

    Raises:
        Misconfigured: the plan's zone does not exist.
    """
    hours = schedule(plan.zone, plan.opens, plan.closes, plan.days, today)
    if hours is None:
        return None
    settings: Json = {
        "name": plan.name,
        "campaign_schedule": {"schedules": [_schedule(hours, plan.days)]},
        "sequences": _STEPS,
        **_KNOBS,
    }
    return Wanted(plan.name, settings)


def campaigns_request(search: str, after: str = "") -> HttpRequest:
    """Ask for campaigns by a part of their name."""
    query = {"search": search, "limit": str(PAGE), "starting_after": after}
    return get("/campaigns", query)


def campaign_request(ref: str) -> HttpRequest:
    """Ask for one campaign."""
    return get(f"/campaigns/{ref}")


def create_request(plan: Wanted) -> HttpRequest:
    """Make a campaign; it is a draft, and sends nothing."""
    return post("/campaigns", plan.settings)


def mend_request(ref: str, changes: Json) -> HttpRequest:
    """Set what differs; lists are replaced as a whole."""
    return request("PATCH", f"/campaigns/{ref}", changes)


def activate_request(ref: str) -> HttpRequest:
    """Start it, or start it again."""
    return post(f"/campaigns/{ref}/activate")


def pause_request(ref: str) -> HttpRequest:
    """Have it send nothing."""
    return post(f"/campaigns/{ref}/pause")


def status_request(ref: str) -> HttpRequest:
    """Ask why it sends, or does not."""
    return get(f"/campaigns/{ref}/sending-status")


def accounts_request(after: str = "") -> HttpRequest:
    """Ask for the mailboxes that are active."""
    return get(
        "/accounts", {"status": "1", "limit": str(PAGE), "starting_after": after}
    )


def counts_request(refs: Sequence[str]) -> HttpRequest:
    """Ask what became of the mail of some campaigns."""
    query = {"ids": list(refs), "exclude_total_leads_count": "true"}
    return get("/campaigns/analytics", query)


def mailboxes(items: Sequence[Json]) -> list[str]:
    """The active mailboxes on the vendor's list, in its order."""
    found = (
        address_of(item.get("email"))
        for item in items
        if item.get("status") == 1 and item.get("setup_pending") is not True
    )
    return list(dict.fromkeys(filter(None, found)))


def reason(told: Json) -> tuple[CampaignHold | None, str] | None:
    """Read a sending status: the hold, None for none, and the vendor's words.

    None: the vendor has nothing to say yet.
    """
    diagnostics, summary = part(told, "diagnostics"), part(told, "summary")
    code = diagnostics.get("status") or summary.get("status")
    if not isinstance(code, str):
        return None
    words = plain(summary.get("status_message")) or plain(code)
    if code == HEALTHY:
        return None, words[:_LONGEST_SAYS]
    return STATES.get(code, CampaignHold.OTHER), words[:_LONGEST_SAYS]


def read_counts(said: object, refs: Collection[str]) -> list[CampaignCounts] | None:
    """Read the counts of the campaigns asked for; None: they cannot be read."""
    if not isinstance(said, list):
        return None
    found = []
    for item in said:
        if not isinstance(item, dict):
            return None
        ref = uid(item.get("campaign_id"))
        contacted, bounced = item.get("contacted_count"), item.get("bounced_count")
        if type(contacted) is not int or type(bounced) is not int:
            return None
        if ref in refs:
            found.append(CampaignCounts(ref, contacted, bounced))
    return found


def hold_of(status: int | None) -> CampaignHold | None:
    """Why a campaign of that status sends nothing; None: it is active."""
    return None if status == ACTIVE else STATUSES.get(status or 0, CampaignHold.OTHER)


def _schedule(hours: Schedule, days: Collection[int]) -> Json:
    """Write the hours; the vendor's week begins on Sunday with 0."""
    open_days = {day % 7 for day in days}
    return {
        "name": "outreach",
        "timing": {"from": f"{hours.opens:%H:%M}", "to": f"{hours.closes:%H:%M}"},
        "days": {str(day): day in open_days for day in range(7)},
        "timezone": hours.zone,
    }


def _agrees(ours: object, told: object) -> bool:
    """Whether all that we said stands there; lists must be as long as ours.

    Fields that the vendor adds are its own, but for dates at which a schedule begins
    or ends, and variants that are switched off: those would send nothing.
    """
    if isinstance(ours, dict):
        return (
            isinstance(told, dict)
            and all(_agrees(value, told.get(name)) for name, value in ours.items())
            and not any(told.get(name) for name in _SILENT)
        )
    if isinstance(ours, list):
        return (
            isinstance(told, list)
            and len(told) == len(ours)
            and all(map(_agrees, ours, told))
        )
    return type(ours) is type(told) and ours == told
