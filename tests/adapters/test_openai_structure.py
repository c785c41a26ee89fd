"""Whatever a model or its server says is read, or is no answer; nothing else."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.model_double import analysis, completion, draft

from outreach.adapters.openai.model import Failure, Model, Question, Said
from outreach.adapters.openai.structure import NotAsAsked, storable, structured
from outreach.domain.analysis import RAW_LIMIT, Doubt, ReplyIntent
from outreach.domain.verdict import Verdict

ODD: Final[list[object]] = [
    *(None, True, False, 0, -1, 2**70, 1.5, float("nan"), float("inf"), "", "\ud800"),
    *("INTERESTED", "interested", "ro", [], [[]], {}, {"slot": "a"}, "\x00", "9" * 400),
    *([{"slot": "a", "text": "b"}], [{"slot": 1, "text": None}], [{"slot": "a"}]),
]
FIELDS: Final = ("intent", "sentiment", "confidence", "language", "template", "slots")


@frozen
class Line:
    slot: str
    text: str


@frozen
class Letter:
    """Of the shapes that answers are read into: a list, and what may be missing."""

    template: str | None
    slots: list[Line]
    suggestion: str


def spoilt(whole: str, field: str, value: object, place: int, put: str) -> str:
    """An answer with an odd field, and characters written over some of it."""
    text = json.dumps({**json.loads(whole), field: value})
    return text[:place] + put + text[place + len(put) :]


WHOLE: Final = (analysis(), draft("agri-1", "Da?", note="Bine."), draft(None))
SPOILT: Final = st.builds(
    spoilt,
    st.sampled_from(WHOLE),
    st.sampled_from(FIELDS),
    st.sampled_from(ODD),
    st.integers(0, 120),
    st.text(alphabet='{}[]",:\\ -9e\ud800', max_size=3),
)


@pytest.mark.parses
@given(SPOILT | st.sampled_from(WHOLE) | st.text(max_size=30))
def test_any_text_of_a_model_is_of_its_types_or_no_answer(text: str) -> None:
    for kind in (Verdict, Letter):
        try:
            read: Any = structured(text, kind)
        except NotAsAsked:
            continue
        said = json.loads(text)
        if isinstance(read, Verdict):
            assert set(said) == {"intent", "sentiment", "confidence", "language"}
            assert read.intent is ReplyIntent(said["intent"])
            assert type(read.sentiment) is int
            assert type(read.confidence) is float
            read.language.encode()
        else:
            assert [(one.slot, one.text) for one in read.slots] == [
                (one["slot"], one["text"]) for one in said["slots"]
            ]
            assert read.template == said["template"]
    stored = storable(text)
    assert len(stored.encode()) <= 4 * RAW_LIMIT
    assert "\x00" not in stored


def test_whole_answers_are_read() -> None:
    assert structured(WHOLE[0], Verdict).intent is ReplyIntent.INTERESTED
    assert [structured(one, Letter).template for one in WHOLE[1:]] == ["agri-1", None]


def spoilt_body(field: str, value: object, place: int, put: bytes) -> bytes:
    body = completion(analysis())
    choice = body["choices"][0]
    where = next(
        (one for one in (choice, choice["message"]) if field in one),
        body,
    )
    where[field] = value
    raw = json.dumps(body).encode()
    return raw[:place] + put + raw[place + len(put) :]


BODIES: Final = st.builds(
    spoilt_body,
    st.sampled_from(
        ("choices", "message", "finish_reason", "content", "refusal", "tool_calls")
    ),
    st.sampled_from([*ODD, "stop", "length", "content_filter", "function_call"]),
    st.integers(0, 320),
    st.binary(max_size=3),
)


def saying(status: int, body: bytes) -> Model:
    """A model whose server answers with *body*, without a socket."""

    async def create(**_: Any) -> Any:
        return SimpleNamespace(status_code=status, content=body)

    raw = SimpleNamespace(create=create)
    chat = SimpleNamespace(completions=SimpleNamespace(with_raw_response=raw))
    told: list[Doubt | None] = []
    return Model(SimpleNamespace(chat=chat), "a-model", 5.0, lambda: 0.0, told.append)


@pytest.mark.parses
@given(st.sampled_from([200, 200, 200, 204, 500]), BODIES | st.binary(max_size=30))
async def test_any_body_of_a_server_is_an_answer_or_a_failure(
    status: int, body: bytes
) -> None:
    said = await saying(status, body).ask(Question("n", "orders", "data", {}))

    if isinstance(said, Said):
        assert status == 200
        assert isinstance(said.content, str)
        assert json.loads(body)["choices"][0]["message"]["content"] == said.content
    else:
        assert isinstance(said, Failure)
        storable(said.raw).encode()
        assert "\x00" not in storable(said.raw)
