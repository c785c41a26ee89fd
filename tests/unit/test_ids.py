"""Derived ids are for ever: what is stored under them must be found again."""

from __future__ import annotations

from uuid import UUID

from tests.unit.cases import uid

from outreach.domain.ids import (
    EnrolmentId,
    IntentId,
    ReviewId,
    StepId,
    TenantId,
    account_id,
    attempt_id,
    reply_id,
    review_id,
    step_intent_id,
    tenant_id,
)

TENANT = TenantId(uid(2))


def test_derived_ids_are_those_of_the_first_release() -> None:
    made = {
        "step": step_intent_id(TENANT, EnrolmentId(uid(7)), StepId(uid(101))),
        "reply": reply_id(TENANT, ReviewId(uid(9)), 1),
        "account": account_id(TENANT, "timelinesai", "default"),
        "tenant": tenant_id("default"),
        "review": review_id("event/1"),
        "attempt": attempt_id(IntentId(uid(5)), 1),
    }

    assert made == {
        "step": UUID("806cf00e-bdac-557f-be36-9095dbf915e2"),
        "reply": UUID("2e793098-00e6-51f0-b905-9fe0052099ec"),
        "account": UUID("8e946c12-a4e6-502a-b984-c19abda75927"),
        "tenant": UUID("faf71a28-8380-55d1-a248-7ce34368f49e"),
        "review": UUID("57da748d-fe01-5a5f-a8c3-ac18ce10d214"),
        "attempt": UUID("95ecbbd7-0f2d-5664-8a96-bbad71ffc42a"),
    }


def test_each_part_of_a_name_makes_another_id() -> None:
    step = step_intent_id(TENANT, EnrolmentId(uid(7)), StepId(uid(101)))

    others = {
        step_intent_id(TenantId(uid(3)), EnrolmentId(uid(7)), StepId(uid(101))),
        step_intent_id(TENANT, EnrolmentId(uid(8)), StepId(uid(101))),
        step_intent_id(TENANT, EnrolmentId(uid(7)), StepId(uid(102))),
        reply_id(TENANT, ReviewId(uid(7)), 1),
        reply_id(TENANT, ReviewId(uid(7)), 2),
        attempt_id(IntentId(uid(5)), 1),
        attempt_id(IntentId(uid(5)), 2),
        account_id(TENANT, "timelinesai", "a"),
        account_id(TENANT, "wamm", "a"),
    }

    assert step not in others
    assert len(others) == 9


def test_a_derived_id_is_a_uuid_of_version_five() -> None:
    assert tenant_id("default").version == 5
