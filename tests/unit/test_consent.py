"""What people must have agreed to, and what stands for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import NOON, uid

from outreach.domain.channel import Channel
from outreach.domain.consent import (
    CONFIRM_WITHIN,
    EVERYWHERE,
    OPEN,
    Consent,
    ConsentKind,
    Demand,
    Policy,
    Standing,
)
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import ConsentId, LeadId
from outreach.entrypoints.policy_file import policy_of, read_rules, shipped
from outreach.entrypoints.settings import load

MAIL, WARM, WHATSAPP = Channel.EMAIL_COLD, Channel.EMAIL_WARM, Channel.WHATSAPP
ANA = "ana@agro.example"
ASKED = Consent(
    id=ConsentId(uid(1)),
    lead=LeadId(uid(2)),
    channel=MAIL,
    kind=ConsentKind.ASKED,
    address=ANA,
    text="Da.",
    source="form",
    by="ana",
    asked_at=NOON,
)
GIVEN = evolve(ASKED, confirmed_at=NOON)
TAKEN_BACK = evolve(GIVEN, withdrawn_at=NOON)
STRICT = Policy({EVERYWHERE: {WHATSAPP: Demand.WARN, WARM: Demand.ALLOW}})


def a_lead(*consents: Consent, **facts: Any) -> Standing:
    known = Standing(country="RO", address=ANA, legal_basis="", consents=consents)
    return evolve(known, **facts)


def from_file(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "outreach.toml"
    path.write_text(text, encoding="utf-8")
    return policy_of(load({}, config=path))


# --- the rule


def test_what_is_required_and_not_there_says_so() -> None:
    assert STRICT.lacks(MAIL, a_lead()) == "RO asks for prior consent on EMAIL_COLD"
    somewhere = STRICT.lacks(MAIL, a_lead(country=""))
    assert somewhere == "an unknown country asks for prior consent on EMAIL_COLD"


def test_a_consent_counts_once_it_is_confirmed() -> None:
    pending = STRICT.lacks(MAIL, a_lead(ASKED))

    assert pending.endswith("what was asked for is not confirmed")
    assert STRICT.lacks(MAIL, a_lead(GIVEN)) == ""


@pytest.mark.parametrize("policy", [STRICT, OPEN])
def test_a_withdrawn_consent_is_a_no_whatever_the_country_asks_for(
    policy: Policy,
) -> None:
    lead = a_lead(TAKEN_BACK, legal_basis="existing customer")

    assert policy.lacks(MAIL, lead) == "the consent was withdrawn"
    assert policy.lacks(MAIL, a_lead(TAKEN_BACK, GIVEN)) == ""


def test_a_consent_is_for_its_address_alone() -> None:
    assert STRICT.lacks(MAIL, a_lead(GIVEN, address="other@agro.example"))


def test_a_consent_to_mail_is_none_to_whatsapp() -> None:
    strict = Policy({})

    assert strict.lacks(WARM, a_lead(GIVEN)) == ""
    assert strict.lacks(WHATSAPP, a_lead(GIVEN))


@pytest.mark.parametrize(
    "basis",
    [
        *("consent", "Consimțământ", "consimtamant", "OPT-IN", "double opt-in"),
        *("existing customer", "Existing_Customer", "Client existent", "client"),
        *("согласие", "Клиент", " acord "),
    ],
)
def test_a_legal_basis_may_stand_for_consent(basis: str) -> None:
    assert STRICT.lacks(MAIL, a_lead(legal_basis=basis)) == ""


@pytest.mark.parametrize(
    "basis", ["", "legitimate interest", "interes legitim", "no consent", "f"]
)
def test_another_legal_basis_does_not(basis: str) -> None:
    assert STRICT.lacks(MAIL, a_lead(legal_basis=basis))


def test_a_warning_is_for_who_has_neither() -> None:
    phone = evolve(GIVEN, channel=WHATSAPP)

    assert STRICT.warns(WHATSAPP, a_lead())
    assert STRICT.lacks(WHATSAPP, a_lead()) == ""
    assert not STRICT.warns(WHATSAPP, a_lead(phone))
    assert not STRICT.warns(WHATSAPP, a_lead(legal_basis="client"))
    assert not STRICT.warns(MAIL, a_lead())


def test_seven_days_are_enough_to_confirm() -> None:
    a_moment = timedelta(microseconds=1)

    assert ASKED.confirmable(NOON + CONFIRM_WITHIN - a_moment)
    assert not ASKED.confirmable(NOON + CONFIRM_WITHIN)
    assert GIVEN.confirmable(NOON + 9 * CONFIRM_WITHIN)
    assert not TAKEN_BACK.confirmable(NOON)


# --- the table


@pytest.mark.parametrize("country", ["RO", "DE", "NL", "", "FR", "US", "XX"])
def test_cold_mail_is_asked_for_everywhere_until_somebody_has_looked(
    country: str,
) -> None:
    policy = policy_of(load({}))

    assert policy.demand(country, MAIL) is Demand.REQUIRE


def test_answers_are_allowed_and_whatsapp_goes_on_with_a_word() -> None:
    policy = policy_of(load({}))

    assert policy.demand("RO", WARM) is Demand.ALLOW
    assert policy.demand("RO", WHATSAPP) is Demand.WARN


def test_the_shipped_table_names_the_countries_that_have_a_source() -> None:
    assert {EVERYWHERE, "RO", "DE", "NL"} == set(shipped())


def test_the_operators_table_stands_over_it_rule_by_rule(tmp_path: Path) -> None:
    policy = from_file(
        tmp_path,
        """
        [policy.FR]
        EMAIL_COLD = "allow"
        [policy.RO]
        WHATSAPP = "REQUIRE"
        """,
    )

    assert policy.demand("FR", MAIL) is Demand.ALLOW
    assert policy.demand("RO", WHATSAPP) is Demand.REQUIRE
    assert policy.demand("RO", MAIL) is Demand.REQUIRE
    assert policy.demand("FR", WHATSAPP) is Demand.WARN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('policy = "x"', "policy must be a table"),
        ('[policy]\nRO = "allow"', "RO must be a table"),
        ('[policy.Romania]\nEMAIL_COLD = "allow"', "'Romania' is no country"),
        ('[policy.RO]\nSMS = "allow"', "no channel is called 'SMS'"),
        ('[policy.RO]\nEMAIL_COLD = "maybe"', "give one of ALLOW, WARN, REQUIRE"),
        ("[policy.RO]\nEMAIL_COLD = 3", "EMAIL_COLD is 3"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        from_file(tmp_path, text)


def test_the_environment_has_no_policy() -> None:
    with pytest.raises(Misconfigured, match="OUTREACH_POLICY is not a setting"):
        load({"OUTREACH_POLICY": "x"})


def test_rules_are_read_whatever_the_case_of_their_words() -> None:
    found = read_rules({"RO": {"EMAIL_COLD": "Allow"}}, where="here")

    assert found == {"RO": {MAIL: Demand.ALLOW}}
