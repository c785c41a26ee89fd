"""Whose fault it is that a mail came back."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.bounce import BounceClass, bounce_of, classed
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

RECIPIENT, SENDER, TRANSIENT = (
    BounceClass.RECIPIENT,
    BounceClass.SENDER,
    BounceClass.TRANSIENT,
)
BOUNCE = SystemEvent("1", "sim", EventType.BOUNCE, Channel.EMAIL_COLD)


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        (
            "550 5.1.1 The email account that you tried to reach does not exist",
            RECIPIENT,
        ),
        ("smtp; 550-5.1.1 user unknown\n550 5.1.1 try again", RECIPIENT),
        ("5.1.10 RESOLVER.ADR.RecipientNotFound", RECIPIENT),
        ("552 5.2.2 Mailbox full", RECIPIENT),
        ("5.2.1 The mailbox is disabled", RECIPIENT),
        ("550 No such user here", RECIPIENT),
        ("551 User not local", RECIPIENT),
        ("553 sorry, that domain isn't in my list", RECIPIENT),
        ("550 5.0.0 unknown recipient", RECIPIENT),
        ("550 5.7.26 This mail is unauthenticated", SENDER),
        ("550 5.7.515 Access denied", SENDER),
        ("550 5.7.1 Our system has detected that this message is spam", SENDER),
        ("550 5.4.5 Daily user sending limit exceeded", SENDER),
        ("Status: 5.1.1; then 550 5.7.1 blocked", SENDER),
        ("452 4.2.2 The email account is over quota", TRANSIENT),
        ("421 4.7.0 Try again later", TRANSIENT),
        ("554 5.3.4 Message too big for system", TRANSIENT),
        ("5.4.4 Unable to route", TRANSIENT),
        ("554 Transaction failed", TRANSIENT),
        ("421 too many connections", TRANSIENT),
        ("5.0.0", TRANSIENT),
        ("", None),
        ("mailbox does not exist", None),
        ("refused by 10.5.1.1", None),
        ("relay mx5.1.1.example said no", None),
        ("message of 550kB, see RFC-551", None),
    ],
)
def test_codes_say_whose_fault_it_is(words: str, whose: BounceClass | None) -> None:
    assert classed(words) is whose


@given(
    kind=st.sampled_from("245"),
    subject=st.integers(1, 7),
    detail=st.integers(0, 999),
    before=st.sampled_from(["", "550 ", "smtp; 554-", "x (", "Status: "]),
    after=st.sampled_from(["", " no", ".", ")", "\n"]),
)
def test_every_enhanced_code_has_one_class(
    kind: str, subject: int, detail: int, before: str, after: str
) -> None:
    found = classed(f"{before}{kind}.{subject}.{detail}{after}")

    if kind != "5":
        assert found is TRANSIENT
    elif subject == 7 or (subject, detail) == (4, 5):
        assert found is SENDER
    else:
        assert found is (RECIPIENT if subject in {1, 2} else TRANSIENT)


@given(st.text(), st.sampled_from(["5.7.1", "5.4.5"]), st.text())
def test_a_fault_of_ours_never_costs_the_lead(
    before: str, code: str, after: str
) -> None:
    assert classed(f"{before} {code} {after}") is SENDER


@given(st.text())
def test_no_words_of_a_server_fail_to_be_read(words: str) -> None:
    assert classed(words) in {None, *BounceClass}


def test_without_a_code_the_providers_verdict_is_believed() -> None:
    soft = evolve(BOUNCE, type=EventType.SOFT_BOUNCE)

    assert bounce_of(BOUNCE) is RECIPIENT
    assert bounce_of(soft) is TRANSIENT
    assert bounce_of(evolve(BOUNCE, type=EventType.FAILED)) is None


def test_a_code_outranks_the_providers_verdict() -> None:
    hard = evolve(BOUNCE, diagnostic="450 4.2.1 busy")
    soft = evolve(BOUNCE, type=EventType.SOFT_BOUNCE, diagnostic="550 5.1.1 gone")

    assert bounce_of(hard) is TRANSIENT
    assert bounce_of(soft) is RECIPIENT
