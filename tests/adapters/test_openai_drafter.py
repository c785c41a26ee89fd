"""The model's drafter: what it asks for, and every way to fail."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from tests.adapters.model_double import TENANT, draft, of, shown
from tests.adapters.test_openai_analyst import FAILURES
from tests.vendor_specs import vendor_spec

from outreach.domain.analysis import Doubt
from outreach.domain.drafting import Request
from outreach.domain.ids import TenantId
from outreach.testing.drafter import OFFERED

ASKED = Request("Da, ne interesează.\n> vechi", "ro", OFFERED)


async def test_a_sound_draft_is_kept_with_who_made_it() -> None:
    said = draft("reply-interested", "Mulțumim!", ai_note="Vă ascultăm.")

    made = await of(said).drafter().draft(ASKED, tenant=TENANT)

    assert made is not None
    assert made.template == "reply-interested"
    assert made.slots == {"ai_note": "Vă ascultăm."}
    assert made.by == "openai/a-model/prompt-1"
    assert (made.raw, made.doubt) == (said, None)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        pytest.param(s, d, id=name)
        for name, s, d in FAILURES
        if not isinstance(s, str) or not s.startswith("{")
    ],
)
async def test_every_failure_is_a_doubt(said: Any, doubt: Doubt) -> None:
    made = await of(said).drafter().draft(ASKED, tenant=TENANT)

    assert made is not None
    assert made.doubt is doubt
    assert made.template is None
    assert not made.slots


@pytest.mark.parametrize(
    "said",
    [
        draft("agri-1"),
        draft("reply-question", ai_note="Da"),
        draft("reply-interested", contact_name="Ana"),
        draft(None, ai_note="Da"),
        json.dumps(
            {
                "template": "reply-interested",
                "slots": [{"slot": "ai_note", "text": t} for t in ("a", "b")],
                "suggestion": "",
            }
        ),
    ],
)
async def test_what_was_not_offered_is_a_contradiction(said: str) -> None:
    made = await of(said).drafter().draft(ASKED, tenant=TENANT)

    assert made is not None
    assert made.doubt is Doubt.INCONSISTENT


async def test_nothing_is_drafted_for_another_tenant() -> None:
    model = of(draft("reply-interested"))

    made = await model.drafter().draft(ASKED, tenant=TenantId(UUID(int=0xB)))

    assert made is None
    assert model.asked == []


async def test_the_request_is_what_the_vendor_says_it_takes() -> None:
    spec = vendor_spec("openai.json")
    model = of(draft("reply-interested"))

    await model.drafter().draft(ASKED, tenant=TENANT)
    await model.drafter().draft(Request("Da", "ro", OFFERED[1:]), tenant=TENANT)

    for body in model.asked:
        spec.check_schema("CreateChatCompletionRequest", body)


async def test_it_shows_the_reply_and_the_templates_and_no_more() -> None:
    model = of(draft("reply-interested"))

    await model.drafter().draft(ASKED, tenant=TENANT)

    (body,) = model.asked
    document = shown(body)
    assert document["reply"] == "Da, ne interesează."
    assert [one["name"] for one in document["templates"]] == [
        "reply-interested",
        "reply-question",
    ]
    assert set(document) == {"reply", "language", "templates"}
