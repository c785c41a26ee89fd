"""Every error that a vendor's own documents name for a send, and what it leads to.

`lane` waits, `message` is tried again, a refusal is for good, a signal is the sender's
or the settings' fault, a doubt of the model is a person's work.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2
import pytest
from tests.adapters import test_instantly_acceptance as instantly
from tests.adapters import test_timelinesai_acceptance as timelines
from tests.adapters.model_double import analysis, completion, of
from tests.adapters.test_openai_analyst import goes_out_alone, read
from tests.vendor_specs import vendor_spec

from outreach.adapters.instantly.acceptance import answer as instantly_answer
from outreach.adapters.timelinesai.acceptance import answer as timelines_answer
from outreach.domain.analysis import Doubt
from outreach.domain.message import Refusal
from outreach.domain.sender import SenderSignal

LANE: Final = ("lane", None)
MESSAGE: Final = ("message", None)
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
AWAY: Final = ("lane", SenderSignal.DISCONNECTED)
SENDER: Final = "+40720000001"

INSTANTLY: Final = {401: NO_KEY, 402: LANE, 404: MESSAGE, 429: LANE}

TIMELINES: Final[dict[str, tuple[int, object]]] = {
    "missing_credentials": (401, NO_KEY),
    "invalid_token": (401, NO_KEY),
    "member_not_found": (403, NO_KEY),
    "permission_denied": (403, NO_KEY),
    "insufficient_scope": (403, NO_KEY),
    "plan_feature_unavailable": (403, LANE),
    "quota_exceeded": (403, LANE),
    "rate_limit_exceeded": (429, LANE),
    "validation_error": (400, Refusal.REJECTED),
    "not_found": (404, MESSAGE),
    "account_inactive": (409, AWAY),
    "template_not_approved": (409, Refusal.REJECTED),
    "template_wrong_waba": (409, Refusal.REJECTED),
    "template_variables_mismatch": (422, Refusal.REJECTED),
    "service_window_closed": (409, Refusal.REJECTED),
    "not_supported": (405, Refusal.REJECTED),
    "internal_error": (500, "unknown"),
}

MODEL: Final = {
    400: Doubt.FAILED,
    401: Doubt.FAILED,
    403: Doubt.FAILED,
    404: Doubt.FAILED,
    409: Doubt.FAILED,
    422: Doubt.FAILED,
    429: Doubt.LIMITED,
    500: Doubt.FAILED,
    503: Doubt.FAILED,
}
ENDS: Final = {
    "length": Doubt.CUT,
    "content_filter": Doubt.FILTERED,
    "tool_calls": Doubt.UNREADABLE,
    "function_call": Doubt.UNREADABLE,
}


@pytest.mark.parametrize("path", ["/api/v2/leads/add", "/api/v2/emails/reply"])
def test_instantly_names_no_other_error(path: str) -> None:
    spec = vendor_spec("instantly.json")

    responses = spec.document["paths"][path]["post"]["responses"]

    assert {int(one) for one in responses} - {200} == set(INSTANTLY)


@pytest.mark.parametrize(("status", "expected"), INSTANTLY.items())
def test_each_error_of_instantly(status: int, expected: object) -> None:
    said = instantly.reply(status, instantly.error(status))

    assert instantly.kind(instantly_answer(said)) == expected


def _codes(node: Any) -> set[str]:
    """The values of the one closed list of error codes."""
    if isinstance(node, dict):
        named = node.get("error_code")
        if isinstance(named, dict) and "enum" in named:
            return set(named["enum"])
    children = node.values() if isinstance(node, dict) else node
    parts = children if isinstance(node, dict | list) else ()
    return set().union(*map(_codes, parts))


def test_timelinesai_names_no_other_error() -> None:
    spec = vendor_spec("timelines_public_api.yaml")

    assert _codes(spec.document["components"]["schemas"]) - {None} == set(TIMELINES)


@pytest.mark.parametrize("code", TIMELINES)
def test_each_error_of_timelinesai(code: str) -> None:
    status, expected = TIMELINES[code]
    said = timelines.reply(status, timelines.error(code=code))

    assert timelines.kind(timelines_answer(said, sender=SENDER)) == expected


def test_a_model_ends_in_no_other_way() -> None:
    spec = vendor_spec("openai.json")

    answer = spec.document["components"]["schemas"]["CreateChatCompletionResponse"]
    choice = answer["properties"]["choices"]["items"]["properties"]

    assert set(choice["finish_reason"]["enum"]) - {"stop"} == set(ENDS)


@pytest.mark.parametrize(("why", "doubt"), ENDS.items())
async def test_each_end_of_a_model_is_a_persons_work(why: str, doubt: Doubt) -> None:
    body = completion(analysis(), finish_reason=why)

    found = await read(of(httpx2.Response(200, json=body)))

    assert found.doubt is doubt
    assert not goes_out_alone(found)


@pytest.mark.parametrize(("status", "doubt"), MODEL.items())
async def test_each_error_of_a_model_is_a_persons_work(
    status: int, doubt: Doubt
) -> None:
    error = {"error": {"message": "no", "type": "x", "param": None, "code": "x"}}
    vendor_spec("openai.json").check_schema("ErrorResponse", error)

    found = await read(of(httpx2.Response(status, json=error)))

    assert found.doubt is doubt
    assert not goes_out_alone(found)
