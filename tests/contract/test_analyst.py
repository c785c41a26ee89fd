"""Every analyst keeps the promises of the port."""

from __future__ import annotations

import pytest

from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.rules import RuleAnalyst
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.ports.analyst import Analyst
from outreach.testing.analyst import AnalystContract

INTERESTED = Analysis(
    intent=ReplyIntent.INTERESTED,
    sentiment=80,
    confidence=0.9,
    language="ro",
    keywords=("preț",),
    by="script",
)


@pytest.fixture(
    params=[
        pytest.param(RuleAnalyst(), id="rules"),
        pytest.param(ScriptedAnalyst(), id="scripted"),
        pytest.param(
            ScriptedAnalyst({"STOP": INTERESTED, "Care e prețul?": INTERESTED}),
            id="scripted to be deaf",
        ),
    ],
)
def analyst(request: pytest.FixtureRequest) -> Analyst:
    adapter: Analyst = request.param
    return adapter


class TestAnalyst(AnalystContract):
    pass
