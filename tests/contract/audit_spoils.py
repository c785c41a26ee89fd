"""Breaks a store past all ports, so that an audit has something to find."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import psycopg
from attrs import evolve, frozen

from outreach.adapters.memory import MemoryStore
from outreach.adapters.memory.rows import Standing
from outreach.domain.auditing import Check
from outreach.domain.budget import UnitSlot
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel, Permit, State

__all__ = ["MemorySpoils", "PostgresSpoils"]

_SECOND: Final = timedelta(seconds=1)

_COPY_ATTEMPT: Final = """
INSERT INTO attempts (id, tenant_id, intent_id, n, lead_id, channel, account_id,
  sender_id, token, send_class, payload_hash, outcome, called_at, settled_at)
SELECT %(new)s, tenant_id, coalesce(%(copy)s, intent_id), n + 1, lead_id, channel,
       account_id, sender_id, token, send_class, payload_hash, outcome,
       called_at + interval '1 minute', settled_at + interval '1 minute'
  FROM attempts WHERE id = %(attempt)s;
"""
_COPY_LINE: Final = """
INSERT INTO gold_communication_log (id, created_at, tenant_id, lead_journey_id,
  channel, direction, content_rendered, subject, recipient, status, phone_id,
  phone_number)
SELECT %(new)s, created_at + interval '1 minute', tenant_id, lead_journey_id, channel,
       direction, content_rendered, subject, recipient, status, phone_id, phone_number
  FROM gold_communication_log WHERE id = %(attempt)s;
"""
_SQL: Final = {
    Check.MESSAGE_TWICE: "DROP INDEX attempts_one_live;" + _COPY_ATTEMPT + _COPY_LINE,
    Check.STEP_TWICE: """
        INSERT INTO intents (id, tenant_id, lead_id, enrollment_id, step_id,
          step_number, send_class, channel, lane_id, window_key, due_at, status)
        SELECT %(copy)s, tenant_id, lead_id, enrollment_id, step_id, step_number,
               send_class, channel, lane_id, window_key, due_at, status
          FROM intents WHERE id = %(intent)s;
        """
    + _COPY_ATTEMPT
    + _COPY_LINE,
    Check.OVER_LIMIT: """
        UPDATE wa_quota_usage SET quota_limit = 0
         WHERE phone_id = %(sender)s AND usage_date = %(day)s
        """,
    Check.TOO_SOON: """
        UPDATE attempts SET called_at = called_at - %(earlier)s
         WHERE id = %(attempt)s;
        UPDATE gold_communication_log SET created_at = created_at - %(earlier)s
         WHERE id = %(attempt)s
        """,
    Check.AFTER_OPT_OUT: """
        UPDATE attempts SET called_on = clock_timestamp() WHERE id = %(attempt)s
        """,
    Check.LOST_ENROLMENT: """
        DELETE FROM intents WHERE enrollment_id = %(enrolment)s AND status = 'WAITING'
        """,
    Check.LOST_CALL: """
        UPDATE lanes SET calling = NULL, call_deadline = NULL, owner = NULL
         WHERE id = %(sender)s
        """,
    Check.LATE_ANSWER: "DELETE FROM duties WHERE key = %(attempt)s::text",
    Check.ASLEEP: "UPDATE lanes SET wake_at = NULL WHERE id = %(sender)s",
    Check.WRONG_CHANNEL: """
        UPDATE attempts SET channel = 'EMAIL_COLD', lead_state = 'NEGOTIATION'
         WHERE id = %(attempt)s
        """,
    Check.LOG_WITHOUT_ATTEMPT: _COPY_LINE,
    Check.ATTEMPT_WITHOUT_LOG: """
        DELETE FROM gold_communication_log WHERE id = %(attempt)s
        """,
    Check.OTHER_PAYLOAD: """
        UPDATE gold_communication_log SET content_rendered = content_rendered || '!'
         WHERE id = %(attempt)s
        """,
    Check.AFTER_BREAKER: """
        UPDATE switches SET thrown_at = thrown_at - interval '1 hour'
         WHERE scope = 'CAMPAIGN'
        """,
    Check.STOP_LOST: "DELETE FROM duties WHERE key = %(stop)s::text",
    Check.BUDGETS_DIFFER: """
        UPDATE budget_use SET used = used + 1 WHERE sender_id = %(sender)s
        """,
    Check.UNITS_DIFFER: """
        UPDATE wa_quota_usage SET used = used + 1
         WHERE phone_id = %(sender)s AND usage_date = %(day)s
        """,
    Check.FENCE_BACK: "UPDATE attempts SET token = 0 WHERE id = %(attempt)s",
    Check.OTHER_PHONE: """
        UPDATE attempts SET sender_id = %(sender)s WHERE id = %(attempt)s
        """,
    Check.JOURNEY_DIFFERS: """
        UPDATE gold_lead_journey SET current_state = 'NEGOTIATION'
         WHERE id = %(lead)s
        """,
}


@frozen
class PostgresSpoils:
    """As a superuser; the database is not to be used afterwards."""

    url: str

    async def __call__(self, check: Check, **of: Any) -> None:
        facts: dict[str, Any] = {"copy": None, "new": None, **of, "key": None}
        if check is Check.STEP_TWICE:
            facts["copy"] = of["new"]
        options = "-c search_path=outreach"
        with psycopg.connect(self.url, options=options) as admin:
            for statement in _SQL[check].split(";"):
                if statement.strip():
                    admin.execute(statement.encode(), facts)


@frozen
class MemorySpoils:
    """Into the tables themselves."""

    store: MemoryStore

    async def __call__(self, check: Check, **of: Any) -> None:
        getattr(self, f"_{check.name.lower()}")(**of)

    def _message_twice(self, *, attempt: Any, intent: Any, new: Any, **_: Any) -> None:
        self._again(attempt, new)
        self.store.intents[intent].attempts.append(new)

    def _step_twice(self, *, attempt: Any, intent: Any, new: Any, **of: Any) -> None:
        row = self.store.intents[intent]
        copy = evolve(row, intent=evolve(row.intent, id=new), attempts=[new])
        self.store.intents[new] = copy
        self.store.intents_of[of["lead"]][new] = None
        self._again(attempt, new)
        self.store.attempts[new].intent = new

    def _again(self, attempt: Any, new: Any) -> None:
        row, later = self.store.attempts[attempt], timedelta(minutes=1)
        self.store.attempts[new] = evolve(
            row,
            parcel=evolve(row.parcel, attempt=new),
            unit=None,
            called_at=row.called_at + later,
        )
        line = self.store.sent[attempt]
        self.store.note(evolve(line, attempt=new, at=line.at + later))

    def _over_limit(self, *, sender: Any, day: Any, **_: Any) -> None:
        self.store.unit(UnitSlot(sender, day)).limit = 0

    def _too_soon(self, *, attempt: Any, earlier: timedelta, **_: Any) -> None:
        self.store.attempts[attempt].called_at -= earlier

    def _after_opt_out(self, *, attempt: Any, **_: Any) -> None:
        self.store.attempts[attempt].called_on = self.store.machine + _SECOND

    def _lost_enrolment(self, *, lead: Any, **_: Any) -> None:
        for row in list(self.store.intents_for(lead, Standing.WAITING)):
            self.store.forget(row)

    def _lost_call(self, *, attempt: Any, sender: Any, **_: Any) -> None:
        del self.store.calling[attempt], self.store.lanes[sender].calling[attempt]

    def _late_answer(self, *, attempt: Any, **_: Any) -> None:
        del self.store.unknown[attempt]

    def _asleep(self, *, sender: Any) -> None:
        for row in self.store.intents.values():
            if row.lane == sender:
                self.store.leave(row)

    def _wrong_channel(self, *, attempt: Any, **_: Any) -> None:
        row = self.store.attempts[attempt]
        row.parcel = evolve(row.parcel, permit=Permit(Channel.EMAIL_COLD, State.COLD))
        row.state = State.NEGOTIATION

    def _log_without_attempt(self, *, attempt: Any, new: Any, **_: Any) -> None:
        self.store.note(evolve(self.store.sent[attempt], attempt=new))

    def _attempt_without_log(self, *, attempt: Any, **_: Any) -> None:
        self.store.log.remove(self.store.sent.pop(attempt))

    def _other_payload(self, *, attempt: Any, **_: Any) -> None:
        self.store.sent[attempt].text += "!"

    def _units_differ(self, *, intent: Any, sender: Any, day: Any, **_: Any) -> None:
        del self.store.unit(UnitSlot(sender, day)).ids[intent]

    def _after_breaker(self, **_: Any) -> None:
        hour = timedelta(hours=1)
        for key, one in self.store.switches.items():
            self.store.switches[key] = evolve(one, at=one.at - hour)
        self.store.lifted[:] = [
            (evolve(one, at=one.at - hour), end) for one, end in self.store.lifted
        ]

    def _stop_lost(self, *, stop: Any) -> None:
        del self.store.duties[DutyKind.STOP, str(stop)]

    def _budgets_differ(self, *, intent: Any, sender: Any, **_: Any) -> None:
        for row in self.store.budgets[sender].values():
            del row.ids[intent]

    def _fence_back(self, *, attempt: Any, **_: Any) -> None:
        self.store.attempts[attempt].token = 0

    def _other_phone(self, *, attempt: Any, sender: Any, **_: Any) -> None:
        row = self.store.attempts[attempt]
        row.parcel = evolve(row.parcel, sender=sender)

    def _journey_differs(self, *, lead: Any, **_: Any) -> None:
        journey = self.store.journey(lead)
        self.store.journeys[lead] = evolve(journey, state=State.NEGOTIATION)
