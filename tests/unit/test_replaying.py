"""Where a replay runs, everything that could do something refuses."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

from outreach.entrypoints.container import Container
from outreach.entrypoints.in_memory import open_in_memory
from outreach.entrypoints.replaying import (
    BARRED,
    Barred,
    SideEffectError,
    barred,
    replay_of,
)
from outreach.entrypoints.settings import Settings

FREE = frozenset(
    {
        # values and rules, which do nothing
        *("settings", "database_url", "redis_url", "witness_file", "role", "timing"),
        *("ids", "reviewers", "rng", "calendar", "contacts", "rules", "unattended"),
        *("batch", "readers", "policy", "link_keys", "public", "links", "unasked"),
        *("poll_every",),
        # read in transactions that the server lets write nothing
        *("database", "clock", "campaigns", "decisions", "replay_events", "audit"),
        # of the engine itself, and opened by nobody in a replay
        *("redis", "instance", "witnesses", "watch_instance", "own_mailboxes"),
        *("mailboxes", "punctual"),
        # use cases, which are made of what is barred
        *("watch_senders", "send", "recover", "look", "take_in", "dispatch"),
        *("audit_ledger", "carry_out_stops", "watch_breaker", "host_campaigns"),
        *("watch_plans", "pick_winner", "read_mailboxes", "do_duties"),
        *("import_leads", "enroll", "check_templates", "take_back_bounce"),
        *("answer_review", "write_intros", "decide_intros"),
    }
)


def test_every_part_of_the_engine_is_barred_or_does_nothing() -> None:
    named = {name for name in Container.providers if not name.startswith("__")}

    assert named == FREE | set(BARRED)
    assert not FREE & set(BARRED)


def test_what_a_replay_is_made_of_is_not_what_is_barred() -> None:
    engine = open_in_memory(Settings()).engine
    stored = engine.container.campaigns()

    made = replay_of(engine)

    assert all(isinstance(getattr(engine.container, n)(), Barred) for n in BARRED)
    assert made.templates == stored.templates
    assert not isinstance(made.history, Barred)
    assert not isinstance(made.analyst, Barred)


@pytest.mark.parametrize(
    "use",
    [
        operator.attrgetter("send"),
        operator.itemgetter(0),
        iter,
        operator.call,
        lambda one: 3 in one,
    ],
)
def test_whatever_is_asked_of_it_it_refuses(use: Callable[[Any], Any]) -> None:
    made = barred(open_in_memory(Settings()).engine.container)

    with pytest.raises(SideEffectError, match="may not use gateways"):
        use(made["gateways"])
