"""A send as a lead of a campaign: the request, and what its answer says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from attrs import frozen

from outreach.adapters import _json
from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.instantly.acceptance import UNPAID_WAIT, answer
from outreach.adapters.instantly.api import MOST_KEYS, PAGE, get, post, request
from outreach.adapters.instantly.hypertext import as_html, is_sendable
from outreach.adapters.instantly.words import (
    ATTEMPT,
    BODY,
    INTENT,
    SUBJECT,
    Json,
    address_of,
    part,
    uid,
)
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)

__all__ = [
    "MOST",
    "TWICE",
    "There",
    "Unsaid",
    "add_request",
    "answers",
    "block_request",
    "blocked_request",
    "delete_request",
    "leads_request",
    "unfit",
]

MOST: Final = 1_000
"""Leads of one call."""
PLAN_WAIT: Final = UNPAID_WAIT
"""Before a plan that has no room is asked again (machine time)."""

TWICE: Final = Refused(Refusal.REJECTED, "stands twice in one call")

_SUCCESS: Final = range(200, 300)
_REASONS: Final = {
    "invalid_email_count": Refused(Refusal.INVALID_RECIPIENT, "address not valid"),
    "in_blocklist": Refused(Refusal.REJECTED, "on the block list"),
    "skipped_count": Refused(Refusal.REJECTED, "skipped by the vendor"),
    "incomplete_count": Refused(Refusal.REJECTED, "incomplete"),
    "duplicate_email_count": TWICE,
}
_DUPLICATES: Final = "duplicated_leads"
_COUNTS: Final = (*_REASONS, _DUPLICATES)
_ONE_OF_SEVERAL: Final = Refused(Refusal.REJECTED, "refused, one of several reasons")


@frozen
class There:
    """A lead as the vendor lists it.

    Attributes:
        attempt, intent: ours that it was added for; empty: not by us.
    """

    id: str
    campaign: str
    email: str
    attempt: str
    intent: str

    @classmethod
    def read(cls, item: Json) -> There:
        """Read an item of the list."""
        variables = part(item, "payload")
        return cls(
            id=uid(item.get("id")),
            campaign=uid(item.get("campaign")),
            email=address_of(item.get("email")),
            attempt=uid(variables.get(ATTEMPT)),
            intent=uid(variables.get(INTENT)),
        )


@frozen
class Unsaid:
    """The call did not create it, and may have met it in the campaign: look there.

    Attributes:
        otherwise: what to answer if it is not there.
    """

    otherwise: Answer


def unfit(parcel: Parcel) -> Answer | None:
    """Why a cold mail cannot be handed over; None: it can."""
    if not parcel.campaign:
        return NotAccepted(lane=False, detail="no campaign of the vendor is named")
    if not address_of(parcel.to):
        return Refused(Refusal.INVALID_RECIPIENT, "no mail address")
    if not is_sendable(parcel.text) or not is_sendable(parcel.subject):
        return Refused(Refusal.REJECTED, "subject or text is empty or cannot be sent")
    if "{" in parcel.subject or "}" in parcel.subject:
        # It is no HTML: a brace in it cannot be kept from the vendor's templates.
        return Refused(Refusal.REJECTED, "braces in a subject")
    if len(parcel.subject.splitlines()) > 1:
        return Refused(Refusal.REJECTED, "a subject of several lines")
    return None


def add_request(parcels: Sequence[Parcel]) -> HttpRequest:
    """Hand over leads of one campaign.

    No flag to skip is set: here they look at every campaign of the workspace, and a
    lead is in one campaign for each of its steps. That a lead which is in *this*
    campaign is not added again the vendor does by itself, and counts it.
    """
    body: Json = {
        "campaign_id": parcels[0].campaign,
        "leads": [_lead(parcel) for parcel in parcels],
        "verify_leads_on_import": False,
        "skip_if_in_workspace": False,
        "skip_if_in_campaign": False,
        "skip_if_in_list": False,
    }
    return post("/leads/add", body)


def leads_request(
    emails: Sequence[str], campaign: str = "", after: str = ""
) -> HttpRequest:
    """Ask for leads with these addresses, at most `PAGE` of them."""
    body: Json = {"contacts": list(emails), "limit": PAGE}
    if campaign:
        body["campaign"] = campaign
    if after:
        body["starting_after"] = after
    return post("/leads/list", body)


def delete_request(lead: str) -> HttpRequest:
    """Take a lead out."""
    return request("DELETE", f"/leads/{quote(lead, safe='')}")


def block_request(address: str) -> HttpRequest:
    """Put an address on the workspace's block list."""
    return post("/block-lists-entries", {"bl_value": address})


def blocked_request(address: str, after: str = "") -> HttpRequest:
    """Ask whether an address is on the block list."""
    return get(
        "/block-lists-entries",
        {"search": address, "limit": str(PAGE), "starting_after": after},
    )


def answers(reply: HttpReply, parcels: Sequence[Parcel]) -> list[Answer | Unsaid]:
    """What the call did with each, in order."""
    if reply.status not in _SUCCESS:
        said = answer(reply)
        if isinstance(said, Refused) and len(parcels) > 1:
            # Of the call, and not of each of them.
            said = NotAccepted(lane=False, detail=said.detail)
        return [said for _ in parcels]
    try:
        body = _json.parse(reply.body, most_keys=MOST_KEYS)
    except _json.Unreadable:
        body = None
    counts = _counts(body)
    created = _created(body, parcels)
    if counts is None or created is None:
        return [UnknownOutcome(f"{reply.status} without counts") for _ in parcels]
    missing = len(parcels) - len(created)
    named = sum(counts.values())
    unnamed = missing - named
    adds_up = (
        body.get("status") == "success"
        and body.get("total_sent") == len(parcels)
        and body.get("leads_uploaded") == len(created)
    )
    full = unnamed > 0 and _is_full(body)
    if not adds_up or (unnamed and not full):
        lost = UnknownOutcome("the counts do not add up")
        return [created.get(place, lost) for place in range(len(parcels))]
    rest = _rest(counts, full=full)
    return [created.get(place, rest) for place in range(len(parcels))]


def _rest(counts: dict[str, int], *, full: bool) -> Answer | Unsaid:
    """What may be said of each that was not created: only their sums are told."""
    reasons = [_REASONS[name] for name in _REASONS if counts[name]]
    said: Answer = reasons[0] if len(reasons) == 1 else _ONE_OF_SEVERAL
    if full:
        # Which of them had no room is not told, so that all are asked again.
        said = NotAccepted(
            lane=True, detail="no room in the plan", retry_after=PLAN_WAIT
        )
    if not counts[_DUPLICATES]:
        return said
    if not reasons and not full:
        said = UnknownOutcome("in the campaign, and not on its list")
    return Unsaid(said)


def _lead(parcel: Parcel) -> Json:
    return {
        "email": address_of(parcel.to),
        "custom_variables": {
            ATTEMPT: str(parcel.attempt),
            INTENT: str(parcel.intent),
            SUBJECT: parcel.subject,
            BODY: as_html(parcel.text),
        },
    }


def _counts(body: object) -> dict[str, int] | None:
    if not isinstance(body, dict):
        return None
    counts = {name: body.get(name) for name in _COUNTS}
    if all(type(one) is int and one >= 0 for one in counts.values()):
        return {name: int(one or 0) for name, one in counts.items()}
    return None


def _created(body: object, parcels: Sequence[Parcel]) -> dict[int, Answer] | None:
    """The leads that were created, by place; None: the list contradicts itself."""
    listed = body.get("created_leads") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return None
    found: dict[int, Answer] = {}
    for item in listed:
        if not isinstance(item, dict):
            return None
        place, ref = item.get("index"), uid(item.get("id"))
        if type(place) is not int or not 0 <= place < len(parcels) or place in found:
            return None
        email = item.get("email")
        if not ref or (email and address_of(email) != address_of(parcels[place].to)):
            return None
        found[place] = Accepted(ref)
    return found


def _is_full(body: Json) -> bool:
    left = body.get("remaining_in_plan")
    return type(left) is int and left <= 0
