"""A workspace at Instantly on the fault server, as strict as the vendor's contract.

Its bodies are closed, a page is 10 unless asked for, a page beyond 100 is empty,
nothing is recognised when it is sent again, a campaign is made as a draft, and a zone
that is not on the list is refused.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from attrs import define, evolve, field

from outreach.adapters.instantly import InstantlyGateway, open_client
from outreach.adapters.instantly.zone_list import VENDOR_ZONES
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.message import Answer, Parcel
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import (
    Absent,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Held,
    Running,
)
from outreach.testing.fault_server import (
    Asked,
    FaultServer,
    Hangs,
    HangsUp,
    Reaction,
    Says,
    unused_url,
)
from outreach.testing.gateway import WAIT, Situation
from outreach.testing.gateway_stops import CAMPAIGN

__all__ = [
    "KEY",
    "PREFIX",
    "SECRET",
    "InstantlyBench",
    "Mailing",
    "Workspace",
    "opened",
]

KEY: Final = "bmF0dXJl-canary-key"
SECRET: Final = "canary-webhook-secret"
PREFIX: Final = "/api/v2"
NAMESPACE: Final = UUID("b2f5ff47-5a0e-4d4a-9b1e-3f0c58c5a001")
HELD: Final = str(uuid5(NAMESPACE, "campaign"))
"""The vendor's id of the campaign that all mail of the workbench is added to."""
ORGANIZATION: Final = str(uuid5(NAMESPACE, "organization"))

_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"
_DEFAULT_PAGE: Final = 10
_MOST: Final = 100
_SLOW_S: Final = 0.05
_PHRASES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def error(status: int, message: str = "No", **headers: str) -> Says:
    phrase = _PHRASES.get(status, "Error")
    body = {"statusCode": status, "error": phrase, "message": message}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says(status, body, headers=named)


_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: error(429, retry_after=str(int(WAIT.total_seconds()))),
    Situation.RATE_LIMITED_SOMEHOW: error(429),
    Situation.BUSY: error(402, "Workspace does not have an active paid plan"),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.KEY_REVOKED: error(401, "Invalid API key"),
    Situation.LOST: HangsUp(),
}
_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: error(500),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_MOST_LEADS: Final = 1_000
_COUNTS: Final = (
    *("in_blocklist", "duplicated_leads", "skipped_count"),
    *("invalid_email_count", "incomplete_count", "duplicate_email_count"),
)
_LEAD: Final = {
    *("email", "personalization", "website", "first_name", "last_name"),
    *("company_name", "job_title", "phone", "lt_interest_status", "pl_value_lead"),
    *("assigned_to", "custom_variables"),
}
_ADD: Final = {
    *("campaign_id", "list_id", "leads", "blocklist_id", "assigned_to"),
    *("verify_leads_on_import", "skip_if_in_workspace", "skip_if_in_campaign"),
    "skip_if_in_list",
}
_LIST: Final = {"campaign", "contacts", "limit", "starting_after", "ids", "search"}
_CAMPAIGN: Final = {
    *("name", "campaign_schedule", "sequences", "email_list", "text_only"),
    *("first_email_text_only", "open_tracking", "link_tracking", "stop_on_reply"),
    *("stop_on_auto_reply", "insert_unsubscribe_header", "disable_bounce_protect"),
}
_CODES: Final = {
    0: "campaign_draft",
    1: "healthy",
    2: "campaign_paused",
    -1: "campaign_accounts_unhealthy",
    -2: "campaign_bounce_protect",
    -99: "campaign_account_suspended",
}
_STOPPED: Final = {
    CampaignHold.PAUSED: 2,
    CampaignHold.SENDERS: -1,
    CampaignHold.BOUNCES: -2,
    CampaignHold.SUSPENDED: -99,
}
_HOOK: Final = {"name", "target_hook_url", "event_type", "campaign", "headers"}
_REPLY: Final = {"reply_to_uuid", "eaccount", "subject", "body"}


@define(eq=False)
class Workspace:
    """What the vendor holds.

    Attributes:
        invalid, blocked: addresses of leads it takes for that.
        room: leads that the plan has room for.
        sending: sending status by campaign; else made of its status.
        tracks: opens are tracked, whatever a campaign is set to.
    """

    situation: Situation = Situation.WELL
    leads: list[dict[str, Any]] = field(factory=list)
    campaigns: list[dict[str, Any]] = field(factory=list)
    accounts: list[dict[str, Any]] = field(factory=list)
    webhooks: list[dict[str, Any]] = field(factory=list)
    failures: list[dict[str, Any]] = field(factory=list)
    block_list: list[dict[str, Any]] = field(factory=list)
    emails: list[dict[str, Any]] = field(factory=list)
    analytics: list[dict[str, Any]] = field(factory=list)
    invalid: set[str] = field(factory=set)
    room: int = 100_000
    sends: int = 0
    texts: list[str] = field(factory=list)
    sent: set[str] = field(factory=set)
    sending: dict[str, str | None] = field(factory=dict)
    made: int = 0
    tracks: bool = False

    def react(self, asked: Asked) -> Reaction:
        assert asked.path.startswith(PREFIX), asked.path
        assert asked.headers["user-agent"].startswith("outreach")
        path = asked.path.removeprefix(PREFIX)
        is_send = (asked.method, path) in {
            ("POST", "/leads/add"),
            ("POST", "/emails/reply"),
        }
        self.sends += is_send
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return error(401)
        if self.situation is Situation.KEY_REVOKED:
            return _REFUSED[self.situation]
        if not is_send and asked.method == "GET":
            return self._answered(asked, path)
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        said = self._answered(asked, path)
        if self.situation is Situation.SLOW and isinstance(said, Says):
            return evolve(said, after_s=_SLOW_S)
        return _ACCEPTED.get(self.situation, said)

    def _answered(self, asked: Asked, path: str) -> Reaction:
        for pattern, answer in _ROUTES.items():
            found = re.fullmatch(pattern, f"{asked.method} {path}")
            if found:
                return answer(self, asked, *found.groups())
        return Says(404, b"<html>no such page</html>")

    # --- leads

    def add(self, asked: Asked) -> Reaction:
        body = asked.json()
        listed, campaign = body["leads"], body["campaign_id"]
        if wrong := _closed(body, _ADD):
            return wrong
        if not self._campaign(campaign):
            return error(404)
        if not 1 <= len(listed) <= _MOST_LEADS:
            return error(400, "body/leads must NOT have more than 1000 items")
        counts = dict.fromkeys(_COUNTS, 0)
        created = []
        for index, lead in enumerate(listed):
            if wrong := _closed(lead, _LEAD):
                return wrong
            email = lead["email"].lower()
            earlier = {one["email"].lower() for one in listed[:index]}
            if reason := self._kept_out(campaign, email, index, earlier):
                counts[reason] += 1
            elif self.room > 0:
                self.room -= 1
                made = self.put(campaign, email, lead["custom_variables"])
                created.append({"index": index, "id": made["id"], "email": email})
        summary = {
            "status": "success",
            "total_sent": len(listed),
            "leads_uploaded": len(created),
            "blocklist_used": None,
            "remaining_in_plan": self.room,
            "created_leads": created,
        }
        return Says(200, {**summary, **counts})

    def _kept_out(
        self, campaign: str, email: str, index: int, earlier: set[str]
    ) -> str | None:
        """The counter that it goes to, if it is not created."""
        nobody = self.situation is Situation.NOBODY_THERE
        first = self.situation is Situation.FIRST_REFUSED and index == 0
        reasons = {
            "invalid_email_count": nobody or first or email in self.invalid,
            "in_blocklist": email in {one["bl_value"] for one in self.block_list},
            "duplicate_email_count": email in earlier,
            "duplicated_leads": self._in(campaign, email),
        }
        return next((name for name, fits in reasons.items() if fits), None)

    def put(
        self, campaign: str, email: str, variables: dict[str, Any]
    ) -> dict[str, Any]:
        """Add a lead, whoever asked for it."""
        lead = {
            "id": self._id("lead"),
            "timestamp_created": _now(),
            "timestamp_updated": _now(),
            "organization": ORGANIZATION,
            "campaign": campaign,
            "status": 1,
            "email": email,
            "email_open_count": 0,
            "email_reply_count": 0,
            "email_click_count": 0,
            "company_domain": email.partition("@")[2],
            "status_summary": {},
            "payload": {"email": email, **variables},
        }
        self.leads.append(lead)
        if text := variables.get("outreach_body"):
            self.texts.append(html.unescape(text.replace("<br/>", "\n")))
        return lead

    def find(self, asked: Asked) -> Reaction:
        body = asked.json()
        if wrong := _closed(body, _LIST):
            return wrong
        found = [
            one
            for one in self.leads
            if one["email"] in body.get("contacts", [one["email"]])
            and one["campaign"] == body.get("campaign", one["campaign"])
        ]
        return _page(found, body.get("limit"), body.get("starting_after"), "id")

    def delete(self, _asked: Asked, ref: str) -> Reaction:
        for one in self.leads:
            if one["id"] == ref:
                self.leads.remove(one)
                return Says(200, one)
        return error(404)

    # --- block list

    def block(self, asked: Asked) -> Reaction:
        value = asked.json()["bl_value"]
        if value in {one["bl_value"] for one in self.block_list}:
            return error(400, "already in the block list")
        entry = {
            "id": self._id("block"),
            "timestamp_created": _now(),
            "organization_id": ORGANIZATION,
            "bl_value": value,
            "is_domain": "@" not in value,
        }
        self.block_list.append(entry)
        return Says(200, entry)

    def blocked(self, asked: Asked) -> Reaction:
        search = asked.query.get("search", "")
        found = [one for one in self.block_list if search in one["bl_value"]]
        return self._queried(asked, found)

    # --- campaigns

    def create(self, asked: Asked) -> Reaction:
        body = asked.json()
        if wrong := _closed(body, _CAMPAIGN) or _scheduled(body):
            return wrong
        made = self.campaign(self._id("campaign"), **body)
        return Says(200, made)

    def campaign(self, ref: str, **settings: Any) -> dict[str, Any]:
        """Make a campaign, whoever asked for it."""
        made = {
            "id": ref,
            "status": 0,
            "timestamp_created": _now(),
            "timestamp_updated": _now(),
            "email_list": [],
            "organization": ORGANIZATION,
            **json.loads(json.dumps(settings)),
        }
        self.campaigns.append(made)
        return made

    def listed_campaigns(self, asked: Asked) -> Reaction:
        search = asked.query.get("search", "").lower()
        found = [one for one in self.campaigns if search in one["name"].lower()]
        return self._queried(asked, found)

    def told_campaign(self, _asked: Asked, ref: str) -> Reaction:
        there = self._campaign(ref)
        if there is None:
            return error(404)
        return Says(200, {**there, "open_tracking": True} if self.tracks else there)

    def mend(self, asked: Asked, ref: str) -> Reaction:
        there, body = self._campaign(ref), asked.json()
        if there is None:
            return error(404)
        if wrong := _closed(body, _CAMPAIGN) or _scheduled(body):
            return wrong
        there.update(body)
        return Says(200, there)

    def activate(self, _asked: Asked, ref: str) -> Reaction:
        return self._turned(ref, 1)

    def pause(self, _asked: Asked, ref: str) -> Reaction:
        return self._turned(ref, 2)

    def status(self, _asked: Asked, ref: str) -> Reaction:
        there = self._campaign(ref)
        if there is None:
            return error(404)
        code = self.sending.get(ref, _CODES.get(there["status"], ""))
        if code is None:
            return Says(200, {"diagnostics": None, "summary": None})
        return Says(
            200,
            {
                "diagnostics": {"campaign_id": ref, "status": code},
                "summary": {"status": code, "status_message": f"It is {code}"},
            },
        )

    def counted(self, asked: Asked) -> Reaction:
        asked_for = re.findall(r"ids=([^&]+)", asked.target)
        assert asked.query["exclude_total_leads_count"] == "true"
        found = [one for one in self.analytics if one["campaign_id"] in asked_for]
        return Says(200, found)

    def mailboxes(self, asked: Asked) -> Reaction:
        wanted = asked.query.get("status")
        found = [one for one in self.accounts if wanted in {None, str(one["status"])}]
        return self._queried(asked, found, key="email")

    # --- mail and webhooks

    def reply(self, asked: Asked) -> Reaction:
        body = asked.json()
        if wrong := _closed(body, _REPLY):
            return wrong
        if not body["eaccount"] or not body["reply_to_uuid"]:
            return error(400)
        text = html.unescape(body["body"]["html"].replace("<br/>", "\n"))
        self.texts.append(text)
        mail = {
            "id": self._id("mail"),
            "timestamp_created": _now(),
            "timestamp_email": _now(),
            "message_id": "<1@example>",
            "subject": body["subject"],
            "to_address_email_list": "ana@firma.ro",
            "body": {"text": text + "\n\nIon\n> quoted", "html": "<p></p>"},
            "organization_id": ORGANIZATION,
            "eaccount": body["eaccount"],
        }
        self.emails.append(mail)
        return Says(200, mail)

    def listed_mails(self, asked: Asked) -> Reaction:
        return self._queried(asked, self.emails)

    def listed_hooks(self, asked: Asked) -> Reaction:
        return self._queried(asked, self.webhooks)

    def subscribe(self, asked: Asked) -> Reaction:
        if wrong := _closed(asked.json(), _HOOK):
            return wrong
        made = {
            **asked.json(),
            "id": self._id("hook"),
            "organization": ORGANIZATION,
            "timestamp_created": _now(),
            "status": 1,
            "timestamp_error": None,
        }
        self.webhooks.append(made)
        return Says(200, made)

    def set_hook(self, asked: Asked, ref: str) -> Reaction:
        if wrong := _closed(asked.json(), _HOOK):
            return wrong
        return self._hook(ref, **asked.json())

    def resume_hook(self, _asked: Asked, ref: str) -> Reaction:
        return self._hook(ref, status=1, timestamp_error=None)

    def failed(self, asked: Asked) -> Reaction:
        assert asked.query["success"] == "false"
        begin = asked.query["from"]
        found = [one for one in self.failures if one["timestamp_created_date"] >= begin]
        return self._queried(asked, found)

    # --- what they share

    def _hook(self, ref: str, **changes: Any) -> Reaction:
        for one in self.webhooks:
            if one["id"] == ref:
                one.update(changes)
                return Says(200, one)
        return error(404)

    def _turned(self, ref: str, status: int) -> Reaction:
        there = self._campaign(ref)
        if there is None:
            return error(404)
        there["status"] = status
        return Says(200, there)

    def _campaign(self, ref: str) -> dict[str, Any] | None:
        return next((one for one in self.campaigns if one["id"] == ref), None)

    def _in(self, campaign: str, email: str) -> bool:
        return any(
            (one["campaign"], one["email"]) == (campaign, email) for one in self.leads
        )

    def _queried(
        self, asked: Asked, found: Sequence[dict[str, Any]], key: str = "id"
    ) -> Reaction:
        query = asked.query
        limit = int(query["limit"]) if "limit" in query else None
        return _page(found, limit, query.get("starting_after"), key)

    def _id(self, kind: str) -> str:
        self.made += 1
        return str(uuid5(NAMESPACE, f"{kind}/{self.made}"))


_ROUTES: Final[dict[str, Callable[..., Reaction]]] = {
    r"POST /leads/add": Workspace.add,
    r"POST /leads/list": Workspace.find,
    r"DELETE /leads/([^/]+)": Workspace.delete,
    r"POST /block-lists-entries": Workspace.block,
    r"GET /block-lists-entries": Workspace.blocked,
    r"POST /campaigns": Workspace.create,
    r"GET /campaigns": Workspace.listed_campaigns,
    r"GET /campaigns/analytics": Workspace.counted,
    r"GET /campaigns/([^/]+)": Workspace.told_campaign,
    r"PATCH /campaigns/([^/]+)": Workspace.mend,
    r"POST /campaigns/([^/]+)/activate": Workspace.activate,
    r"POST /campaigns/([^/]+)/pause": Workspace.pause,
    r"GET /campaigns/([^/]+)/sending-status": Workspace.status,
    r"GET /accounts": Workspace.mailboxes,
    r"POST /emails/reply": Workspace.reply,
    r"GET /emails": Workspace.listed_mails,
    r"GET /webhooks": Workspace.listed_hooks,
    r"POST /webhooks": Workspace.subscribe,
    r"PATCH /webhooks/([^/]+)": Workspace.set_hook,
    r"POST /webhooks/([^/]+)/resume": Workspace.resume_hook,
    r"GET /webhook-events": Workspace.failed,
}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _closed(body: Any, known: Iterable[str]) -> Says | None:
    strange = set(body) - set(known)
    return error(400, f"must NOT have {strange}") if strange else None


def _scheduled(body: dict[str, Any]) -> Says | None:
    schedules = body.get("campaign_schedule", {}).get("schedules", ())
    for one in schedules:
        if one["timezone"] not in VENDOR_ZONES:
            return error(400, "timezone must be one of the allowed values")
        if not set(one["days"]) <= set("0123456") or not one["days"]:
            return error(400, "days")
    return None


def _page(
    found: Sequence[dict[str, Any]], limit: int | None, after: str | None, key: str
) -> Says:
    """A last page carries a cursor, too, as the vendor's may."""
    size = _DEFAULT_PAGE if limit is None else limit
    if size > _MOST:
        return Says(200, {"items": []})
    keys = [one[key] for one in found]
    start = keys.index(after) + 1 if after in keys else 0
    items = list(found[start : start + size])
    cursor = {"next_starting_after": items[-1][key]} if items else {}
    return Says(200, {"items": items, **cursor})


@define(eq=False)
class Mailing:
    """The adapter, to suites that know phones: each message becomes a cold mail to an
    address of its own, in the workbench's campaign.
    """

    inner: InstantlyGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        return await self.inner.send(_mail(parcel), within)

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        return await self.inner.send_many([_mail(one) for one in parcels], within)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        return await self.inner.look(_mail(parcel), since)

    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        return await self.inner.look_many([_mail(one) for one in parcels], since)

    @property
    def repeats_for(self) -> timedelta:
        return self.inner.repeats_for

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        return await self.inner.repeat(_mail(parcel), since, within)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        if stop.kind is StopKind.PAUSE:
            return await self.inner.stop(evolve(stop, ref=""))
        return await self.inner.stop(evolve(stop, to=_address(stop.about)))

    async def register(self, url: str) -> None:
        await self.inner.register(url)

    async def lost(self, since: datetime) -> Sequence[bytes]:
        return await self.inner.lost(since)

    async def ensure(self, plan: CampaignPlan, ref: str = "") -> Running | Held | Again:
        return await self.inner.ensure(plan, ref)

    async def state(self, ref: str) -> Running | Held | Again:
        return await self.inner.state(ref)

    async def resume(self, ref: str) -> Running | Held | Again:
        return await self.inner.resume(ref)

    async def counts(self, refs: Sequence[str]) -> Sequence[CampaignCounts]:
        return await self.inner.counts(refs)


def _mail(parcel: Parcel) -> Parcel:
    return evolve(
        parcel,
        permit=Permit(Channel.EMAIL_COLD, State.COLD),
        to=_address(str(parcel.attempt)),
        subject="O întrebare",
        campaign=HELD,
    )


def _address(attempt: str) -> str:
    return f"a{attempt.replace('-', '')}@firma.ro"


@define(eq=False)
class InstantlyBench:
    """Implements the workbenches of `outreach.testing.gateway`."""

    server: FaultServer
    workspace: Workspace
    reachable: InstantlyGateway
    unreachable: InstantlyGateway

    @property
    def adapter(self) -> InstantlyGateway:
        gone = self.workspace.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def gateway(self) -> Mailing:
        return Mailing(self.adapter)

    @property
    def arrivals(self) -> int:
        return self.workspace.sends

    @property
    def accepted(self) -> list[str]:
        return self.workspace.texts

    async def arrange(self, situation: Situation) -> None:
        self.workspace.situation = situation

    async def miss(self, body: bytes, at: datetime) -> None:
        failures = self.workspace.failures
        failures.append(
            {
                "id": str(uuid5(NAMESPACE, f"failure/{len(failures)}")),
                "timestamp_created": at.isoformat(),
                "timestamp_created_date": at.date().isoformat(),
                "organization_id": ORGANIZATION,
                "payload": json.loads(body),
                "success": False,
                "retry_count": 3,
                "will_retry": False,
                "webhook_url": "https://outreach.example/webhooks/instantly",
            }
        )

    async def let_go(self) -> list[str]:
        """Write to every lead whose campaign is active and who is not blocked."""
        there, gone = self.workspace, []
        active = {one["id"] for one in there.campaigns if one["status"] == 1}
        blocked = {one["bl_value"] for one in there.block_list}
        for lead in there.leads:
            may = lead["campaign"] in active and lead["email"] not in blocked
            if may and lead["id"] not in there.sent:
                there.sent.add(lead["id"])
                gone.append(html.unescape(lead["payload"]["outreach_body"]))
        return gone

    @property
    def made(self) -> list[str]:
        return [one["name"] for one in self.workspace.campaigns]

    @property
    def started(self) -> list[str]:
        there = self.workspace.campaigns
        return [one["name"] for one in there if one["status"] == 1]

    async def make(self, plan: CampaignPlan) -> str:
        ref = str(uuid5(NAMESPACE, plan.name))
        self.workspace.campaign(ref, name=plan.name)
        return ref

    async def spoil(self) -> None:
        self.workspace.tracks = True

    async def stop(self, ref: str, why: CampaignHold) -> None:
        for one in self.workspace.campaigns:
            if one["id"] == ref:
                one["status"] = _STOPPED[why]

    def registered(self, url: str) -> list[str]:
        hooks = self.workspace.webhooks
        return [one["event_type"] for one in hooks if one["target_hook_url"] == url]


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[InstantlyBench]:
    workspace = Workspace()
    workspace.campaign(
        HELD, name=f"outreach agri 1 Europe/Bucharest {CAMPAIGN}", campaign_schedule={}
    )["status"] = 1
    async with FaultServer(workspace.react) as server:
        clients = [
            open_client(KEY, base_url=url, user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        within = timedelta(seconds=1)
        there, nowhere = (
            InstantlyGateway(one, webhook_secret=SECRET, ask_within=within)
            for one in clients
        )
        yield InstantlyBench(server, workspace, there, nowhere)
        for client in clients:
            await client.aclose()
