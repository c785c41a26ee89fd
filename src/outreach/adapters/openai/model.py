"""One question to a chat-completions API, and every way in which it can fail.

The package is imported when a client is opened: it takes a second. Its own retries,
response types and pydantic are not used: the body is bounded, parsed and structured
like any other stranger's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, cast

from attrs import define, field, frozen

from outreach.adapters._json import Unreadable, parse
from outreach.domain.analysis import Doubt

__all__ = ["Failure", "Model", "Question", "Said", "open_client"]

MOST_TOKENS: Final = 1_000
"""Of an answer, reasoning included."""
MOST_BYTES: Final = 256 * 1024
"""Of a response."""
REST_AFTER: Final = 3
"""Calls in a row that failed; then none is made for `REST_S`."""
REST_S: Final = 60.0
LONGEST_REST_S: Final = 600.0

_CONNECT_S: Final = 5.0
_LIMITED: Final = 429
_OK: Final = 200
_DOWN: Final = frozenset(
    {Doubt.UNREACHABLE, Doubt.TIMED_OUT, Doubt.LIMITED, Doubt.FAILED}
)


@frozen
class Question:
    """What is asked.

    Attributes:
        orders: ours, the same for every reply.
        data: with what strangers wrote in it.
        schema: JSON Schema of the answer, within what strict mode takes.
    """

    name: str
    orders: str
    data: str = field(repr=False)
    schema: Mapping[str, Any]


@frozen
class Said:
    """A model's answer: JSON as it says, not structured yet."""

    content: str = field(repr=False)


@frozen
class Failure:
    """No answer that could be used.

    Attributes:
        raw: what came instead, if anything did.
    """

    doubt: Doubt
    raw: str = field(default="", repr=False)


def open_client(
    api_key: str, *, base_url: str, user_agent: str, timeout_s: float
) -> Any:
    """A client of the openai package; who opens it closes it.

    Raises:
        ModuleNotFoundError: the extra ``model`` is not installed.
    """
    openai = import_module("openai")
    return openai.AsyncOpenAI(
        api_key=api_key,
        base_url=base_url or None,
        timeout=openai.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
        max_retries=0,
        default_headers={"User-Agent": user_agent},
    )


@define
class Model:
    """A model at a provider. A provider that is down is left alone for a minute.

    Attributes:
        client: an `AsyncOpenAI`, or what behaves like it.
        name: of the model, as the provider calls it.
        timeout_s: machine seconds for a whole call, however slowly it drips.
        monotonic: machine seconds.
        counted: is told how every call ended; None: with an answer.
    """

    client: Any = field(repr=False)
    name: str
    timeout_s: float
    monotonic: Callable[[], float]
    counted: Callable[[Doubt | None], None]
    _failed: int = field(default=0, init=False)
    _rests_until: float = field(default=float("-inf"), init=False)

    @property
    def rests(self) -> bool:
        """No call is made for now."""
        return self.monotonic() < self._rests_until

    async def ask(self, question: Question) -> Said | Failure:
        """One call; raises nothing for what provider, network or model did."""
        if self.rests:
            return Failure(Doubt.UNREACHABLE)
        wait_s = REST_S
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self._call(question)
        except TimeoutError:
            answer: Said | Failure = Failure(Doubt.TIMED_OUT)
        except import_module("openai").OpenAIError as error:
            answer, wait_s = _failure(error)
        except (ValueError, TypeError, AttributeError, OSError):
            # The SDK stumbles over what it did not expect in its own ways.
            answer = Failure(Doubt.UNREADABLE)
        else:
            answer = _said(response)
        self._remember(answer, wait_s)
        self.counted(None if isinstance(answer, Said) else answer.doubt)
        return answer

    async def _call(self, question: Question) -> bytes:
        response = await self.client.chat.completions.with_raw_response.create(
            model=self.name,
            messages=[
                {"role": "system", "content": question.orders},
                {"role": "user", "content": question.data},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": question.name,
                    "strict": True,
                    "schema": dict(question.schema),
                },
            },
            max_completion_tokens=MOST_TOKENS,
        )
        if response.status_code != _OK:
            message = f"status {response.status_code} is no answer"
            raise ValueError(message)
        return cast("bytes", response.content)

    def _remember(self, answer: Said | Failure, wait_s: float) -> None:
        if isinstance(answer, Said) or answer.doubt not in _DOWN:
            self._failed = 0
            return
        self._failed += 1
        if self._failed >= REST_AFTER or answer.doubt is Doubt.LIMITED:
            self._rests_until = self.monotonic() + wait_s


def _failure(error: Exception) -> tuple[Failure, float]:
    openai = import_module("openai")
    if isinstance(error, openai.APITimeoutError):
        return Failure(Doubt.TIMED_OUT), REST_S
    if isinstance(error, openai.APIConnectionError):
        return Failure(Doubt.UNREACHABLE), REST_S
    if isinstance(error, openai.APIStatusError):
        if error.status_code == _LIMITED:
            return Failure(Doubt.LIMITED), _asked_to_wait(error.response.headers)
        return Failure(Doubt.FAILED), REST_S
    return Failure(Doubt.UNREADABLE), REST_S


def _asked_to_wait(headers: Mapping[str, str]) -> float:
    written = headers.get("retry-after", "")
    if not written.isdecimal() or len(written) > len(str(int(LONGEST_REST_S))):
        return REST_S
    return min(float(written), LONGEST_REST_S)


def _said(body: bytes) -> Said | Failure:
    if len(body) > MOST_BYTES:
        return Failure(Doubt.UNREADABLE)
    text = body.decode("utf-8", "replace")
    try:
        choice = parse(body)["choices"][0]
        message, ended = choice["message"], choice["finish_reason"]
        content, refusal = message.get("content"), message.get("refusal")
    except (Unreadable, LookupError, TypeError, AttributeError):
        return Failure(Doubt.UNREADABLE, text)
    if refusal:
        return Failure(Doubt.REFUSED, str(refusal))
    if ended == "length":
        return Failure(Doubt.CUT, text)
    if ended == "content_filter":
        return Failure(Doubt.FILTERED, text)
    if ended != "stop" or not isinstance(content, str) or message.get("tool_calls"):
        return Failure(Doubt.UNREADABLE, text)
    return Said(content)
