"""Read by mypy only: every analyst fits its port."""

from __future__ import annotations

from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.rules import RuleAnalyst
from outreach.ports.analyst import Analyst


def analysts() -> tuple[Analyst, ...]:
    return RuleAnalyst(), ScriptedAnalyst()
