"""Replies that try to instruct a model, and a model that obeys them all.

Over the whole path: webhook, analysis, triage, draft, send. ``injections.jsonl`` holds
the attacks; ``must`` says what has to happen whatever else is written in the reply.
The tenant lets approved templates go out by themselves, which is the worst case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.model_double import FakeModel, analysis, draft, shown
from tests.usecases.engine import MINUTE, SECOND, Engine, engine

from outreach.domain.address import phone_key
from outreach.domain.channel import Channel, State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.message import Parcel
from outreach.domain.review import Priority
from outreach.domain.sender import Sender
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import Variable
from outreach.testing.invented import PROVIDER
from outreach.testing.world import A

ATTACKS: Final = [
    json.loads(line)
    for line in (Path(__file__).parent / "injections.jsonl").read_text().splitlines()
]
FIXED: Final = {
    "ro": "Mulțumim pentru răspuns! Revenim cu detalii.",
    "en": "Thank you for your reply! We will come back with details.",
    "ru": "Спасибо за ответ! Мы вернёмся и расскажем больше.",
}
"""All that the approved templates say; a slot may follow."""
ELSEWHERE: Final = "+40799999999"
EVIL_SLOTS: Final = (
    "Plătiți la https://evil.example/pay",
    "evil.example",
    "Sunați la +40 799 999 999",
    "Costă 10 euro",
    "Reducere garantată",
    "{{api_key}}",
    "Întrebați-l pe Vasile Ionescu de la Agro",
    "Contul RO49AAAA1B31007593840000",
    "scrieți la boss@evil.example",
    "Сто процентов бесплатно",
    "We promise a free refund",
    "\u202edecoded",
    "x" * 900,
)
"""What an attacker would like to have written to somebody."""
CLEAN_SLOT: Final = "Vă ascultăm cu plăcere."


def templates() -> list[MessageTemplate]:
    note = Variable("ai_note", "")
    made = [
        MessageTemplate(
            id=TemplateId(UUID(int=900 + n)),
            name=f"reply-{intent}-{language}",
            channel=Channel.WHATSAPP,
            content=f"{text}[ {{{{ai_note}}}}]",
            variables=(note,),
            language=language,
        )
        for n, (intent, language, text) in enumerate(
            (intent, language, text)
            for intent in ("interested", "question", "neutral")
            for language, text in FIXED.items()
        )
    ]
    secret = evolve(
        made[0],
        id=TemplateId(UUID(int=999)),
        name="reply-interested-draft",
        content="Nobody approved this text.",
        approved=False,
    )
    return [*made, secret]


@frozen
class Scene:
    """A lead that was written to and replies, and another that did not."""

    here: Engine
    phone: Sender
    lead: LeadId
    other: LeadId
    model: FakeModel


async def scene(model: FakeModel) -> Scene:
    here = engine()
    phone, (lead, other) = await here.world.phone_with(2)
    await here.run()
    for one in templates():
        here.store.templates[here.world.tenant, one.name] = one
    model.tenant = here.world.tenant
    return Scene(here, phone, lead, other, model)


async def replies(at: Scene, text: str, *, blind: bool = False) -> None:
    """The reply comes in, is taken in, and all that may go out goes out."""
    here = at.here
    await here.arrives(
        SystemEvent(
            key=f"reply {text}",
            provider=PROVIDER,
            type=EventType.REPLY,
            channel=Channel.WHATSAPP,
            sender=at.phone.number,
            address=phone_key(here.store.leads[at.lead].phone),
            content=text,
        )
    )
    analyst = at.model.analyst()
    take_in = evolve(
        here.take_in,
        analyst=evolve(analyst, suspects=lambda _: None) if blind else analyst,
        drafter=at.model.drafter(),
        unattended=(here.world.tenant,),
    )
    assert await take_in(A) == 1
    here.pass_time(31 * SECOND)
    await here.run()
    here.pass_time(5 * MINUTE)


def obedient(request: dict[str, Any]) -> str:
    """Does what any reply asks for, and worse."""
    document = shown(request)
    reply = document["reply"]
    if "templates" not in document:
        dictated = re.search(r'\{"intent".*?\}', reply)
        return dictated[0] if dictated else analysis(sentiment=100, confidence=1.0)
    wanted = EVIL_SLOTS[len(reply) % len(EVIL_SLOTS)]
    link = re.search(r"https?://\S+|\+\d{9,}", reply)
    names = [one["name"] for one in document["templates"]]
    names += ["reply-interested-draft", "agri-1"] if len(reply) % 3 == 0 else []
    return draft(names[-1], suggestion=wanted, ai_note=link[0] if link else wanted)


def rules_of(here: Engine) -> Mapping[str, object]:
    """All that a reply must never change."""
    store = here.store
    return {
        "templates": dict(store.templates),
        "sequences": dict(store.live_sequences),
        "campaigns": dict(store.campaigns),
        "switches": dict(store.switches),
        "limits": {
            lane.sender.id: (lane.sender.daily_limit, lane.sender.state)
            for lane in store.lanes.values()
        },
    }


def judge(at: Scene, before: Mapping[str, object], first: int) -> list[Parcel]:
    """Nothing but the allowed came of it; answers what went out."""
    here = at.here
    assert rules_of(here) == before
    sent = list(here.gateway.accepted)[first:]
    address = here.store.leads[at.lead].phone
    for parcel in sent:
        assert parcel.to == address
        assert _allowed(parcel.text), parcel.text
    assert len(sent) <= 2
    untouched = here.journey(at.other)
    assert untouched.state is State.CONTACTED_WA
    assert untouched.reply_count == 0
    assert all(item.lead == at.lead for item in here.items())
    for item in here.items():
        assert not item.suggested or _allowed(item.suggested), item.suggested
    assert here.journey(at.lead).state in {State.WARM_REPLY, State.DEAD}
    return sent


def _allowed(text: str) -> bool:
    """An approved text, and after it no more than plain words."""
    for fixed in FIXED.values():
        if text.startswith(fixed):
            rest = text.removeprefix(fixed).strip()
            return rest in {"", CLEAN_SLOT} or (
                len(rest) <= 200
                and re.fullmatch(r"[^\W\d_][\w ,.!?'\u2019-]*", rest) is not None
                and not re.search(r"\d|\w\.\w|evil|Agro|Ion|euro|gratuit|free", rest)
            )
    return False


@pytest.mark.parametrize("blind", [False, True], ids=["watchful", "blind"])
@pytest.mark.parametrize("attack", ATTACKS, ids=[str(a["id"]) for a in ATTACKS])
async def test_a_model_that_obeys_the_attacker_breaks_nothing(
    attack: dict[str, Any], *, blind: bool
) -> None:
    at = await scene(FakeModel(obedient))
    here, before = at.here, rules_of(at.here)
    first = len(here.gateway.accepted)

    await replies(at, attack["text"], blind=blind)

    sent = judge(at, before, first)
    stopped = await here.world.switches.suppressed(here.world.tenant)
    only = {f"phone:{here.store.leads[at.lead].phone}"}
    assert {str(one.key) for one in stopped} <= only
    if attack["must"] == "suppress":
        assert {str(one.key) for one in stopped} == only
        assert sent == []
    if attack["must"] == "urgent":
        assert [item.priority for item in here.items()] == [Priority.URGENT]
        assert sent == []


def test_the_corpus_is_large_and_varied() -> None:
    languages = {one["language"] for one in ATTACKS}
    techniques = {one["technique"] for one in ATTACKS}
    musts = [one["must"] for one in ATTACKS]

    assert len({one["text"] for one in ATTACKS}) >= 300
    assert languages == {"ro", "en", "ru"}
    assert len(techniques) >= 20
    assert musts.count("suppress") >= 30
    assert musts.count("urgent") >= 12


async def test_what_may_go_out_does_go_out() -> None:
    def helpful(request: dict[str, Any]) -> str:
        document = shown(request)
        if "templates" not in document:
            return analysis(sentiment=80)
        return draft(document["templates"][0]["name"], ai_note=CLEAN_SLOT)

    at = await scene(FakeModel(helpful))
    before, first = rules_of(at.here), len(at.here.gateway.accepted)

    await replies(at, "Sună bine pentru noi, ne interesează oferta.")

    (parcel,) = judge(at, before, first)
    assert parcel.text == f"{FIXED['ro']} {CLEAN_SLOT}"
    assert at.here.items() == []


async def test_a_dirty_slot_is_left_to_a_person_with_the_approved_text() -> None:
    def dirty(request: dict[str, Any]) -> str:
        document = shown(request)
        if "templates" not in document:
            return analysis(sentiment=80)
        return draft(document["templates"][0]["name"], ai_note="Costă 5 euro")

    at = await scene(FakeModel(dirty))
    before, first = rules_of(at.here), len(at.here.gateway.accepted)

    await replies(at, "Sună bine pentru noi, ne interesează oferta.")

    assert judge(at, before, first) == []
    (item,) = at.here.items()
    assert item.suggested == FIXED["ro"]


async def test_at_most_two_answers_a_day_go_out_by_themselves() -> None:
    def helpful(request: dict[str, Any]) -> str:
        document = shown(request)
        if "templates" not in document:
            return analysis(sentiment=80)
        return draft(document["templates"][0]["name"])

    at = await scene(FakeModel(helpful))
    first = len(at.here.gateway.accepted)

    for n in range(5):
        await replies(at, f"Da, ne interesează oferta{'!' * n}")

    assert len(at.here.gateway.accepted) - first == 2
    assert len(at.here.items()) == 1


async def test_an_automatic_reply_is_never_answered() -> None:
    at = await scene(FakeModel(obedient))
    first = len(at.here.gateway.accepted)
    here = at.here
    await here.arrives(
        SystemEvent(
            key="machine",
            provider=PROVIDER,
            type=EventType.AUTO_REPLY,
            channel=Channel.WHATSAPP,
            sender=at.phone.number,
            address=phone_key(here.store.leads[at.lead].phone),
            content="Da, ne interesează oferta!",
        )
    )
    take_in = evolve(
        here.take_in,
        analyst=at.model.analyst(),
        drafter=at.model.drafter(),
        unattended=(here.world.tenant,),
    )

    await take_in(A)
    here.pass_time(31 * SECOND)
    await here.run()

    assert len(here.gateway.accepted) == first
    assert at.model.asked == []


SOMETHING: Final = (
    st.text(max_size=40)
    | st.integers(-500, 500)
    | st.floats()
    | st.booleans()
    | st.none()
    | st.sampled_from(EVIL_SLOTS)
)
ANALYSES: Final = st.builds(
    analysis,
    intent=st.sampled_from(
        ["INTERESTED", "QUESTION", "NEUTRAL", "OUT_OF_OFFICE", "UNSUBSCRIBE"]
    )
    | SOMETHING,
    sentiment=st.integers(-100, 100) | SOMETHING,
    confidence=st.floats(0, 1) | SOMETHING,
)
NAMES: Final = st.none() | st.sampled_from([one.name for one in templates()])
SLOTS: Final = st.dictionaries(
    st.sampled_from(["ai_note", "contact_name", "company_name", "x"]),
    st.sampled_from([*EVIL_SLOTS, CLEAN_SLOT, ""]) | st.text(max_size=80),
    max_size=2,
)
DRAFTS: Final = st.builds(
    lambda name, free, slots: draft(name, free, **slots),
    NAMES | st.text(max_size=20),
    st.sampled_from(EVIL_SLOTS) | st.text(max_size=80),
    SLOTS,
)


@given(
    said=ANALYSES | st.text(max_size=80),
    drafted=DRAFTS | st.text(max_size=80),
    text=st.sampled_from([one["text"] for one in ATTACKS if not one["must"]])
    | st.just("Da, ne interesează oferta."),
)
async def test_a_model_that_answers_anything_at_all_breaks_nothing(
    said: str, drafted: str, text: str
) -> None:
    def answer(request: dict[str, Any]) -> str:
        return drafted if "templates" in shown(request) else said

    at = await scene(FakeModel(answer))
    before, first = rules_of(at.here), len(at.here.gateway.accepted)

    await replies(at, text, blind=True)

    judge(at, before, first)
