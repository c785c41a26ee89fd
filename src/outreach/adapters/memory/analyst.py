"""An analyst that says what it was told to say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.analysis import UNDETERMINED, Analysis, Reply, ReplyIntent
from outreach.domain.ids import TenantId

__all__ = ["OPT_OUT_WORDS", "ScriptedAnalyst"]

OPT_OUT_WORDS: Final = frozenset({"stop", "dezabonare", "unsubscribe", "стоп"})
"""Heard anywhere in a text, whatever the script says about it."""

_VERSION: Final = "scripted/1"
_WORD: Final = re.compile(r"\w+")
_UNSCRIPTED: Final = Analysis(
    intent=ReplyIntent.NEUTRAL,
    sentiment=0,
    confidence=0.0,
    language=UNDETERMINED,
    keywords=(),
    by=_VERSION,
)


@frozen
class ScriptedAnalyst:
    """Answers by the text of the reply; NEUTRAL, not confident, for any other.

    An opt-out word outranks the script, as it does for every analyst.
    """

    answers: Mapping[str, Analysis] = field(factory=dict)

    async def analyse(
        self, reply: Reply, *, received_on: date, tenant: TenantId
    ) -> Analysis:
        """See `outreach.ports.analyst`."""
        del received_on, tenant  # a script knows no days, and nobody
        answer = self.answers.get(reply.text, _UNSCRIPTED)
        if OPT_OUT_WORDS.isdisjoint(_WORD.findall(reply.text.casefold())):
            return answer
        found = (answer.intent, *answer.also)
        return evolve(
            answer,
            intent=ReplyIntent.UNSUBSCRIBE,
            confidence=1.0,
            also=tuple(
                intent
                for intent in found
                if intent not in {ReplyIntent.UNSUBSCRIBE, ReplyIntent.NEUTRAL}
            ),
        )
