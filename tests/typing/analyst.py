"""Read by mypy only: every analyst, drafter and keeper of alerts fits its port."""

from __future__ import annotations

from outreach.adapters.apprise import AppriseOutbox
from outreach.adapters.memory import (
    MemoryAlerts,
    MemoryIncidents,
    MemoryModelBudget,
    MemoryStore,
)
from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.openai import ModelAnalyst, ModelDrafter, ModelIntroducer
from outreach.adapters.postgres.incidents import PostgresIncidents, PostgresModelBudget
from outreach.adapters.postgres.pool import Database
from outreach.adapters.rules import RuleAnalyst
from outreach.adapters.system.alerts import LogAlerts, Outbox
from outreach.domain.usecases.write_intros import ByHand
from outreach.ports.alerts import Alerts
from outreach.ports.analyst import Analyst
from outreach.ports.drafter import Drafter
from outreach.ports.incidents import Incidents
from outreach.ports.intro_writer import IntroWriter
from outreach.ports.model_budget import ModelBudget


def analysts(model: ModelAnalyst) -> tuple[Analyst, ...]:
    return RuleAnalyst(), ScriptedAnalyst(), model


def drafters(model: ModelDrafter) -> tuple[Drafter, ...]:
    return (model,)


def introducers(model: ModelIntroducer) -> tuple[IntroWriter, ...]:
    return model, ByHand()


def budgets(store: MemoryStore, database: Database) -> tuple[ModelBudget, ...]:
    return MemoryModelBudget(store, 1, 1), PostgresModelBudget(database, 1, 1)


def incidents(store: MemoryStore, database: Database) -> tuple[Incidents, ...]:
    return MemoryIncidents(store), PostgresIncidents(database)


def alerts(known: Incidents, outbox: AppriseOutbox) -> tuple[Alerts, Outbox]:
    return LogAlerts(known, outbox) or MemoryAlerts(), outbox
