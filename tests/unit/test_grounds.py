"""Facts of a decision: nothing of a person in them, and the same decided again."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, uid
from tests.usecases.engine import HOUR, engine

from outreach.adapters.postgres.docs import decision, decision_doc, jsonb
from outreach.domain.address import email_keys
from outreach.domain.case import Case, LaneFacts, Ledger
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Decision, Verdict, decide
from outreach.domain.grounds import again, bare, let_go
from outreach.domain.ids import CampaignId
from outreach.domain.limits import Limits
from outreach.domain.provider_campaign import Hosting
from outreach.domain.sender import SendClass, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import (
    Suppression,
    SuppressionReason,
    Switch,
    SwitchScope,
)

MAIL = "Ana.Pop+oferte@agro-secret.example"
TIMES = st.integers(-20_000, 60_000).map(lambda n: NOON + timedelta(minutes=n))
MAYBE = st.none() | TIMES


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any mixture of facts that rules look at, many of them in the way."""
    case = a_case()
    mail = draw(st.booleans())
    channel = Channel.EMAIL_COLD if mail else Channel.WHATSAPP
    few = st.none() | st.integers(1, 3)
    limits = Limits(total_per_day=draw(few), domain_per_day=draw(few))
    stop = Suppression(
        email_keys(MAIL.lower())[0], SuppressionReason.OPT_OUT, "x", NOON
    )
    switch = Switch(
        draw(st.sampled_from([SwitchScope.ALL, SwitchScope.CAMPAIGN])),
        str(uid(50)),
        "why",
        "ana",
        NOON,
    )
    return evolve(
        case,
        intent=evolve(
            case.intent,
            channel=channel,
            due_at=draw(TIMES),
            text=draw(st.sampled_from(["", "Bună, Ana Secret"])),
            permission=draw(st.sampled_from(["", "", "ana"])),
            send_class=draw(st.sampled_from(SendClass)),
        ),
        journey=evolve(
            case.journey,
            state=draw(st.sampled_from(State)),
            opted_out=draw(st.sampled_from([False, False, True])),
            human_controlled=draw(st.sampled_from([False, False, True])),
            closed_channels=frozenset(draw(st.sets(st.sampled_from(Channel)))),
            reply_count=draw(st.integers(0, 2)),
            sentiment=-10,
        ),
        window=evolve(
            case.window,
            holidays=frozenset(
                draw(
                    st.sets(st.dates(date(2026, 2, 20), date(2026, 4, 20)), max_size=9)
                )
            ),
        ),
        sender=draw(
            st.none()
            | st.builds(
                a_sender,
                channel=st.just(channel),
                state=st.sampled_from(SenderState),
                until=MAYBE,
                daily_limit=st.integers(0, 5),
                limits=st.just(limits),
                pacing=st.just(a_sender().pacing),
            )
        ),
        lane=draw(
            st.none()
            | st.builds(
                LaneFacts, gate_at=TIMES, backoff_until=MAYBE, busy=st.booleans()
            )
        ),
        ledger=draw(
            st.none()
            | st.builds(Ledger, day=st.just(NOON.date()), used=st.integers(0, 6))
        ),
        contacted=draw(st.booleans()),
        to=draw(st.sampled_from(["", MAIL if mail else "+40722999999"])),
        fields={"company_name": "Secret SRL", "contact_name": "Ana Secret"},
        campaign=CampaignId(uid(50)),
        enrolment=draw(st.none() | st.sampled_from(EnrolmentStatus)),
        suppressions=draw(st.sampled_from([(), (stop,)])),
        switches=draw(st.sampled_from([(), (switch,)])),
        review_open=draw(st.booleans()),
        hosting=draw(st.none() | st.just(Hosting(says="x"))),
        unsubscribe=draw(st.sampled_from([None, "", "https://x/secret"])),
        consent=draw(st.sampled_from(["", "RO asks for one"])),
    )


def as_text(doc: Any) -> str:
    """As PostgreSQL is given it."""
    sent = jsonb(doc)
    assert sent.dumps is not None
    return str(sent.dumps(sent.obj))


@given(cases(), TIMES)
def test_what_is_stored_is_decided_again_to_the_same(case: Case, at: datetime) -> None:
    made = decide(case, at, margin=MARGIN)

    doc = decision_doc(made)

    read = decision(json.loads(as_text(doc)))
    found = again(read)

    assert found is not None
    assert found.decision == made
    assert found.differs == ()


@given(cases(), TIMES)
def test_nothing_of_a_person_is_stored(case: Case, at: datetime) -> None:
    text = as_text(decision_doc(decide(case, at, margin=MARGIN))["grounds"])

    assert "Ana" not in text
    assert "ana.pop" not in text
    assert "722999999" not in text
    assert "x/secret" not in text


def test_another_policy_is_named() -> None:
    made = decide(a_case(), NOON, margin=MARGIN)
    old = evolve(made, policy="2025.01")
    held = evolve(old, verdict=Verdict.HOLD)

    same, other = again(old), again(held)

    assert same is not None
    assert other is not None
    assert same.differs == ()
    assert str(same).endswith(f"under policy {made.policy}: the same verdict")
    assert "policy 2025.01 HOLD, now SEND" in str(other)


def test_without_facts_nothing_is_decided_again() -> None:
    made = evolve(decide(a_case(), NOON, margin=MARGIN), grounds=None)

    assert again(made) is None
    assert bare(made) is None
    assert let_go(made, "UTC") == ()


def test_a_changed_rule_is_seen() -> None:
    """What is recorded as sent was not free to go by the facts beside it."""
    made = decide(a_case(), NOON, margin=MARGIN)
    assert made.grounds is not None
    stopped = evolve(made.grounds.case, review_open=True)
    found = again(evolve(made, grounds=evolve(made.grounds, case=stopped)))

    assert found is not None
    assert found.decision.verdict is Verdict.HOLD
    assert "recorded SEND, now HOLD" in found.differs


async def test_every_decision_of_a_simulated_run_is_decided_again() -> None:
    here = engine()
    _, leads = await here.world.phone_with(12)
    for lead in leads[:4]:
        known = await here.world.known(lead)
        taken = evolve(known.journey, human_controlled=True)
        await here.world.commit(here.world.change(known, journey=taken))
    for _ in range(60):
        await here.run()
        here.pass_time(2 * HOUR)

    decisions: list[Decision] = [row.decision for row in here.store.decisions]

    assert {one.verdict for one in decisions} >= {Verdict.SEND, Verdict.HOLD}
    assert len(decisions) >= 12
    for made in decisions:
        stored = evolve(made, grounds=bare(made))
        found = again(stored)
        assert found is not None
        assert found.decision == made
        assert found.differs == ()
