"""The vendor's words and ours: events, campaign states, times, ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from outreach.domain.event import EventType
from outreach.domain.provider_campaign import CampaignHold

__all__ = [
    "ACTIVE",
    "ATTEMPT",
    "BODY",
    "COMPLETED",
    "DRAFT",
    "EVENTS",
    "HEALTHY",
    "INTENT",
    "PAUSED",
    "PROVIDER",
    "STATES",
    "STATUSES",
    "SUBJECT",
    "Json",
    "address_of",
    "moment",
    "part",
    "plain",
    "thread_of",
    "thread_parts",
    "uid",
]

PROVIDER: Final = "instantly"

Json = dict[str, Any]

# Custom variables of a lead. Webhooks carry them at their top level, so that no name
# of the vendor's own may be taken.
ATTEMPT: Final = "outreach_attempt"
INTENT: Final = "outreach_intent"
SUBJECT: Final = "outreach_subject"
BODY: Final = "outreach_body"

EVENTS: Final = {
    "email_sent": EventType.SENT,
    "email_opened": EventType.OPENED,
    "link_clicked": EventType.CLICKED,
    "email_link_clicked": EventType.CLICKED,
    "reply_received": EventType.REPLY,
    "auto_reply_received": EventType.AUTO_REPLY,
    "email_bounced": EventType.BOUNCE,
    "lead_unsubscribed": EventType.UNSUBSCRIBE,
}
"""What is delivered, not what is subscribed to: a click is subscribed to under
another name, and an automatic reply cannot be subscribed to by itself. Labels of
interest, `campaign_completed` and `account_error` are kept as UNKNOWN: a mailbox in
trouble is one of many, and the campaign's state says when none can send."""

DRAFT: Final = 0
ACTIVE: Final = 1
PAUSED: Final = 2
COMPLETED: Final = 3

STATUSES: Final = {
    DRAFT: CampaignHold.DRAFT,
    PAUSED: CampaignHold.PAUSED,
    COMPLETED: CampaignHold.COMPLETED,
    4: CampaignHold.OTHER,
    -1: CampaignHold.SENDERS,
    -2: CampaignHold.BOUNCES,
    -99: CampaignHold.SUSPENDED,
}
"""A campaign's status, if it is not `ACTIVE`; 4: only subsequences run."""

HEALTHY: Final = "healthy"

STATES: Final = {
    "campaign_draft": CampaignHold.DRAFT,
    "campaign_paused": CampaignHold.PAUSED,
    "campaign_completed": CampaignHold.COMPLETED,
    "campaign_running_subsequences": CampaignHold.OTHER,
    "campaign_bounce_protect": CampaignHold.BOUNCES,
    "campaign_accounts_unhealthy": CampaignHold.SENDERS,
    "campaign_account_suspended": CampaignHold.SUSPENDED,
    "out_of_schedule": CampaignHold.SCHEDULE,
    "waiting_for_leads": CampaignHold.WAITING,
    "daily_limit_met": CampaignHold.LIMIT,
    "account_daily_limit_met": CampaignHold.LIMIT,
    "new_lead_limit_met": CampaignHold.LIMIT,
    "all_accounts_unhealthy": CampaignHold.SENDERS,
    "waiting_for_esp_match": CampaignHold.WAITING,
    "domain_limit_reached": CampaignHold.LIMIT,
    "follow_up_delay_not_met": CampaignHold.WAITING,
    "no_accounts_available": CampaignHold.SENDERS,
}
"""Why nothing is being sent, where the vendor does not say `HEALTHY`."""

_UID: Final = re.compile(r"[!-{}~]{1,128}")
_ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\[\]\\\x00-\x1f]+@[^\s@]+\.[^\s@.]{2,}")
_LONGEST_ADDRESS: Final = 254
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"


def moment(said: object) -> datetime | None:
    """Read ISO 8601; UTC, None without a zone."""
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said.strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def uid(said: object) -> str:
    """Read an id: printable ASCII without a bar, fit for a key; else empty."""
    return said if isinstance(said, str) and _UID.fullmatch(said) else ""


def address_of(said: object) -> str:
    """Read a mail address in lower case; empty if it cannot be one."""
    text = said.strip().lower() if isinstance(said, str) else ""
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        return ""
    return text


def part(body: Json, name: str) -> Json:
    """An object inside *body*; an empty one if there is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def thread_of(email: str, account: str) -> str:
    """Name a conversation by a mail of theirs and the mailbox it came to.

    Both are needed to answer it.
    """
    return f"{email}|{account}" if email and account else ""


def thread_parts(thread: str) -> tuple[str, str] | None:
    """What `thread_of` put together; None: it is no thread of this vendor."""
    email, _, account = thread.partition("|")
    if not uid(email) or address_of(account) != account or not account:
        return None
    return email, account


def plain(said: object) -> str:
    """Read a text so that it can be stored: no NUL, no half of a surrogate pair."""
    if not isinstance(said, str):
        return ""
    text = said.replace(_NUL, _STAND_IN)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
