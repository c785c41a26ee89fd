"""The model and the outbox are put where the engine's use cases find them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest

from outreach.adapters.openai import ModelAnalyst, ModelDrafter, ModelIntroducer
from outreach.adapters.postgres.incidents import PostgresModelBudget
from outreach.adapters.rules import RuleAnalyst
from outreach.domain.ids import TenantId
from outreach.entrypoints.container import Container
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.settings import Settings, load
from outreach.entrypoints.talking import tell_people, use_model

TENANT = TenantId(UUID(int=0xA))


def read(tmp_path: Path, text: str) -> tuple[Settings, Container]:
    file = tmp_path / "outreach.toml"
    file.write_text(text, "utf-8")
    settings = load({}, config=file)
    container = Container(
        settings=settings,
        database_url="postgresql:///nowhere",
        redis_url="redis://127.0.0.1:1",
        witness_file=tmp_path / "instance.json",
        gateways={},
        lookups={},
        answering={},
        polls={},
        lists={},
        takers={},
        repeats={},
        bell=None,
    )
    return settings, container


@pytest.mark.parametrize(
    ("answers", "alone"), [("person", ()), ("templates", (TENANT,))]
)
async def test_a_model_reads_and_drafts_within_its_budget(
    tmp_path: Path, answers: str, alone: tuple[TenantId, ...]
) -> None:
    settings, container = read(
        tmp_path,
        f"""
        [openai]
        api_key = "k"
        model = "m-1"
        base_url = "http://127.0.0.1:1/v1"
        calls_per_minute = 7
        answers = "{answers}"
        """,
    )

    async with AsyncExitStack() as stack:
        use_model(settings, container, TENANT, Metrics(), stack, user_agent="t")
        analyst, drafter = container.analyst(), container.drafter()

        assert isinstance(analyst, ModelAnalyst)
        assert isinstance(drafter, ModelDrafter)
        assert isinstance(analyst.rules, RuleAnalyst)
        assert analyst.tenant == TENANT
        assert isinstance(analyst.budget, PostgresModelBudget)
        assert analyst.budget.per_minute == 7
        assert analyst.model is drafter.model
        introducer = container.intro_writer()
        assert isinstance(introducer, ModelIntroducer)
        assert isinstance(introducer.budget, PostgresModelBudget)
        assert (introducer.budget.per_minute, introducer.tenant) == (4, TENANT)
        assert introducer.model is not analyst.model
        assert container.unattended() == alone
        assert 1 <= container.batch() < 50


async def test_without_a_model_the_rules_read_and_nobody_drafts(
    tmp_path: Path,
) -> None:
    settings, container = read(tmp_path, "")

    async with AsyncExitStack() as stack:
        use_model(settings, container, TENANT, Metrics(), stack, user_agent="t")

    assert isinstance(container.analyst(), RuleAnalyst)
    assert container.drafter() is None
    assert container.unattended() == ()
    assert container.batch() == 50


async def test_alerts_go_to_people_while_the_engine_is_open(tmp_path: Path) -> None:
    url = "json://127.0.0.1:9/x"
    settings, container = read(tmp_path, f'[alerts]\nurls = ["{url}"]')

    async with AsyncExitStack() as stack:
        await tell_people(settings, container, stack)

        assert container.alerts().outbox is container.outbox()
        assert container.outbox() is not None


async def test_without_urls_the_log_is_all_there_is(tmp_path: Path) -> None:
    settings, container = read(tmp_path, "")

    async with AsyncExitStack() as stack:
        await tell_people(settings, container, stack)

    assert container.alerts().outbox is None
