"""Models behind the adapter's own HTTP: they answer whatever a test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import httpx2
import openai
from attrs import define, field

from outreach.adapters.openai import (
    Model,
    ModelAnalyst,
    ModelDrafter,
    ModelIntroducer,
)
from outreach.adapters.rules import RuleAnalyst
from outreach.domain.analysis import Doubt
from outreach.domain.ids import TenantId
from outreach.ports.model_budget import ModelBudget

__all__ = [
    "TENANT",
    "Endless",
    "FakeModel",
    "analysis",
    "draft",
    "introduction",
    "shown",
]

TENANT: Final = TenantId(UUID(int=0xA))
RULES: Final = RuleAnalyst()


class Endless:
    """A budget without an end."""

    async def take(self, tenant: TenantId) -> bool:
        del tenant
        return True


def analysis(**changes: Any) -> str:
    """What a model says of a reply, as JSON."""
    said = {
        "intent": "INTERESTED",
        "sentiment": 80,
        "confidence": 0.95,
        "language": "ro",
    }
    return json.dumps(said | changes)


def draft(template: str | None, suggestion: str = "", **slots: str) -> str:
    """What a model drafts, as JSON."""
    filled = [{"slot": slot, "text": text} for slot, text in slots.items()]
    return json.dumps({"template": template, "slots": filled, "suggestion": suggestion})


def introduction(text: str) -> str:
    """What a model writes about a lead, as JSON."""
    return json.dumps({"intro": text})


def shown(request: dict[str, Any]) -> dict[str, Any]:
    """The document between the markers of a request."""
    lines = request["messages"][1]["content"].split("\n")
    document: dict[str, Any] = json.loads(lines[1])
    return document


def completion(content: str | None, **changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": None}
    plain = {"index": 0, "finish_reason": "stop", "logprobs": None}
    choice: dict[str, Any] = plain | changes
    choice["message"] = message | choice.get("message", {})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "a-model",
        "choices": [choice],
    }


@define
class FakeModel:
    """Answers over the package's own client.

    Attributes:
        answer: content, or a whole response, or an exception to raise, by request.
        asked: bodies of the requests, in order.
        outcomes: what was counted.
        now: monotonic seconds.
    """

    answer: Callable[[dict[str, Any]], str | httpx2.Response | Exception]
    asked: list[dict[str, Any]] = field(factory=list)
    headers: list[httpx2.Headers] = field(factory=list)
    outcomes: list[Doubt | None] = field(factory=list)
    now: float = 0.0
    budget: ModelBudget = field(factory=Endless)
    tenant: TenantId = TENANT
    model: Model = field(init=False)
    _nonces: int = 0

    @model.default
    def _model(self) -> Model:
        transport = httpx2.MockTransport(self._handle)
        client = openai.AsyncOpenAI(
            api_key="sk-canary",
            base_url="http://127.0.0.1:9/v1",
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=transport),
        )
        return Model(client, "a-model", 5.0, lambda: self.now, self.outcomes.append)

    def analyst(self) -> ModelAnalyst:
        return ModelAnalyst(RULES, self.model, self.budget, self.tenant, self._nonce)

    def drafter(self) -> ModelDrafter:
        return ModelDrafter(self.model, self.budget, self.tenant, self._nonce)

    def introducer(self, **changes: Any) -> ModelIntroducer:
        return ModelIntroducer(
            self.model, self.budget, self.tenant, self._nonce, **changes
        )

    def _nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:024x}"

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.asked.append(body)
        self.headers.append(request.headers)
        said = self.answer(body)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            return httpx2.Response(200, json=completion(said))
        return said


def of(content: str | httpx2.Response | Exception) -> FakeModel:
    """A model that always says the same."""
    return FakeModel(lambda _: content)
