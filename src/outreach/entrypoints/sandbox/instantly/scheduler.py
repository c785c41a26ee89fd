"""Sends the leads' mail: within hours, with gaps, under limits, by engine time.

A timer rings when a campaign could next send; then everything is looked at again,
since a lead may be gone, the campaign paused, or the clock held back meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, Protocol

from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.instantly.campaigns import ACTIVE, Campaign
from outreach.entrypoints.sandbox.instantly.leads import WAITING, Lead
from outreach.entrypoints.sandbox.instantly.store import Account, Store
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["Office", "Scheduler", "sending_status"]

_MINUTE: Final = 60.0
_GAP_MIN: Final = 10.0
_LATE_ENGINE_S: Final = 60.0
_EARLY_S: Final = -1e-6  # of rounding
_LATE_S: Final = 0.25  # of the machine: a timer rings late by this at the most


class Office(Protocol):
    """What the scheduler works for."""

    @property
    def store(self) -> Store: ...

    def waiting(self, campaign_id: str) -> Iterable[Lead]:
        """Give the leads of a campaign that may have a step before them."""
        ...

    def sent_on(self, campaign_id: str, day: str) -> int:
        """Count the mails of a campaign on a day of its zone."""
        ...

    def mail(
        self, campaign: Campaign, lead: Lead, account: Account, when: Json
    ) -> None:
        """Let one mail leave. `when`: `engine_s`, `day` and `local` of it, and
        `ready_s`, when the mailbox may send again.
        """
        ...


class Scheduler:
    """One timer for each campaign that waits."""

    def __init__(self, office: Office, ground: Ground) -> None:
        self._office = office
        self._ground = ground
        self._planned: dict[str, float] = {}

    @property
    def _store(self) -> Store:
        return self._office.store

    def look_again(self) -> None:
        """Plan every campaign anew: the clock was set."""
        self._planned.clear()
        for campaign in self._store.campaigns.values():
            self.look(campaign)

    def look(self, campaign: Campaign, from_s: float | None = None) -> None:
        """Plan the next mail of a campaign, if it has one, from now or `from_s` on."""
        due_s = self._next_s(campaign, from_s)
        planned = self._planned.get(campaign.id)
        if due_s is None or (planned is not None and planned <= due_s):
            return
        self._planned[campaign.id] = due_s
        wait_s = due_s - self._ground.clock.now_s()
        self._ground.agenda.after(wait_s, lambda: self._ring(campaign.id, due_s))

    def why_not(self, campaign: Campaign) -> str:
        """Give the vendor's word for why it sends nothing now, or "healthy"."""
        word = _BY_STATUS.get(campaign.status)
        now_s = self._ground.clock.now_s()
        if word is not None:
            return word
        if not campaign.is_open(now_s):
            return "out_of_schedule"
        accounts = self._accounts(campaign)
        if not accounts:
            listed = any(one in self._store.accounts for one in campaign.accounts)
            return "all_accounts_unhealthy" if listed else "no_accounts_available"
        day = self._day(campaign, now_s)
        if self._is_full(campaign, day):
            return "daily_limit_met"
        if all(account.sent.get(day, 0) >= account.daily_limit for account in accounts):
            return "account_daily_limit_met"
        lead = self._next_lead(campaign)
        if lead is None:
            return "waiting_for_leads"
        return "follow_up_delay_not_met" if lead.due_s > now_s else "healthy"

    def _ring(self, campaign_id: str, due_s: float) -> None:
        if self._planned.get(campaign_id) != due_s:
            return
        del self._planned[campaign_id]
        campaign = self._store.campaigns.get(campaign_id)
        if campaign is None:
            return
        late_s = self._ground.clock.now_s() - due_s
        most_s = max(_LATE_ENGINE_S, _LATE_S * self._ground.agenda.speed)
        # Early where the clock was held back, late where the machine slept: a mail
        # is as of its planned moment only if that is now.
        if _EARLY_S <= late_s <= most_s and self._could(campaign, due_s):
            self._send(campaign, due_s)
            # From the planned moment: a busy machine does not stretch the gaps.
            self.look(campaign, due_s)
        else:
            self.look(campaign)

    def _could(self, campaign: Campaign, at_s: float) -> bool:
        next_s = self._next_s(campaign, at_s)
        return next_s is not None and next_s <= at_s

    def _next_s(self, campaign: Campaign, from_s: float | None = None) -> float | None:
        lead = self._next_lead(campaign)
        if campaign.status != ACTIVE or lead is None or not campaign.steps:
            return None
        accounts = self._accounts(campaign)
        if not accounts:
            return None
        now_s = self._ground.clock.now_s() if from_s is None else from_s
        at_s = max(now_s, lead.due_s)
        for _ in range(14):  # days: a full one is passed over
            opens_s = campaign.opens_s(at_s)
            if opens_s is None:
                return None
            day = self._day(campaign, opens_s)
            free = [a for a in accounts if a.sent.get(day, 0) < a.daily_limit]
            if free and not self._is_full(campaign, day):
                ready_s = max(opens_s, min(account.ready_s for account in free))
                if ready_s == opens_s:
                    return opens_s
                at_s = ready_s
            else:
                at_s = self._tomorrow_s(campaign, opens_s)
        return None

    def _send(self, campaign: Campaign, at_s: float) -> None:
        lead = self._next_lead(campaign)
        day = self._day(campaign, at_s)
        ready = [
            account
            for account in self._accounts(campaign)
            if account.ready_s <= at_s
            and account.sent.get(day, 0) < account.daily_limit
        ]
        assert lead is not None
        account = min(ready, key=lambda one: (one.ready_s, one.email))
        draw = Draw.about(self._ground.seed, "gap", campaign.id, lead.id, lead.step)
        gap = campaign.number("email_gap", _GAP_MIN)
        more = draw.between("more", 0, campaign.number("random_wait_max", 0))
        self._office.mail(
            campaign,
            lead,
            account,
            {
                "engine_s": at_s,
                "day": day,
                "ready_s": at_s + (gap + more) * _MINUTE,
                "local": dt.datetime.fromtimestamp(at_s, campaign.zone()).isoformat(),
            },
        )

    def _accounts(self, campaign: Campaign) -> list[Account]:
        known = [self._store.accounts.get(name) for name in campaign.accounts]
        return [one for one in known if one is not None and one.status == 1]

    def _next_lead(self, campaign: Campaign) -> Lead | None:
        waiting = [
            lead for lead in self._office.waiting(campaign.id) if lead.status == WAITING
        ]
        return min(waiting, key=lambda lead: (lead.due_s, lead.id), default=None)

    def _is_full(self, campaign: Campaign, day: str) -> bool:
        limit = campaign.number("daily_limit", float("inf"))
        return self._office.sent_on(campaign.id, day) >= limit

    def _day(self, campaign: Campaign, at_s: float) -> str:
        return dt.datetime.fromtimestamp(at_s, campaign.zone()).date().isoformat()

    def _tomorrow_s(self, campaign: Campaign, at_s: float) -> float:
        zone = campaign.zone()
        day = dt.datetime.fromtimestamp(at_s, zone).date() + dt.timedelta(days=1)
        return dt.datetime.combine(day, dt.time(), zone).timestamp()


_BY_STATUS: Final = {
    0: "campaign_draft",
    2: "campaign_paused",
    3: "campaign_completed",
    4: "campaign_running_subsequences",
    -1: "campaign_accounts_unhealthy",
    -2: "campaign_bounce_protect",
    -99: "campaign_account_suspended",
}


def sending_status(campaign: Campaign, word: str, now: Json) -> Json:
    """Word the vendor's diagnosis; `now` has `at`, `accounts`, `available`."""
    healthy = word == "healthy"
    return {
        "diagnostics": {
            "campaign_id": campaign.id,
            "last_updated": now["at"],
            "status": word,
            "issue_tracking": {
                "current_status_code": word,
                "issue_first_seen_at": None if healthy else now["at"],
                "consecutive_loops_with_issue": 0 if healthy else 1,
                "last_healthy_send_at": None,
            },
            "schedule_status": {"in_schedule": word != "out_of_schedule"},
            "accounts_summary": {
                "total_connected": now["accounts"],
                "available": now["available"],
            },
        },
        "summary": {
            "status": word,
            "status_message": "Campaign is sending normally" if healthy else word,
            "issue_started_at": None,
            "last_healthy_send_at": None,
        },
    }
