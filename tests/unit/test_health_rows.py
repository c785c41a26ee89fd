"""How people are told of providers that serve, and of mail that went on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.unit.cases import uid

from outreach.domain.health import WELL, AccountHealth, Health, HealthState
from outreach.domain.ids import AccountId, IntentId, SenderId
from outreach.domain.relay import PassedOn
from outreach.entrypoints.cli.finding import Level
from outreach.entrypoints.cli.health_rows import findings, plain_health, went_on

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
GONE: Final = Health(
    HealthState.AWAY, 8, NOW, NOW + timedelta(minutes=5), why="401 key not accepted"
)
AILS: Final = Health(HealthState.AILING, 4, NOW, why="429 rate limit")


def of(provider: str, health: Health) -> AccountHealth:
    return AccountHealth(AccountId(uid(len(provider))), provider, health, NOW, moved=3)


def test_doctor_fails_only_where_no_account_serves() -> None:
    well, ails, gone = of("ses", WELL), of("sendgrid", AILS), of("resend", GONE)

    beside = [one.level for one in findings([gone, well, ails])]
    alone = [one.level for one in findings([gone])]
    (says,) = [one.says for one in findings([gone])]

    assert beside == [Level.WARN, Level.OK, Level.WARN]
    assert alone == [Level.FAIL]
    assert says == "AWAY since 2026-03-02 09:00 UTC: 401 key not accepted"
    assert list(findings([])) == []


def test_status_has_the_record_in_json() -> None:
    plain = plain_health(of("resend", GONE))

    assert plain["state"] == "AWAY"
    assert plain["tried_again_at"] == NOW + timedelta(minutes=5)
    assert (plain["why"], plain["moved_on"]) == ("401 key not accepted", 3)


def test_why_tells_from_whom_a_mail_went_on() -> None:
    one = PassedOn(
        NOW,
        IntentId(uid(1)),
        SenderId(uid(2)),
        "ana@agro.example",
        "resend",
        "429 rate limit",
    )

    assert went_on(one, "UTC") == (
        "Mon 2 Mar 2026 09:00 UTC: a mail went on from resend, ana@agro.example, to "
        "the next sender (429 rate limit)."
    )
