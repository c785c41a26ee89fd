"""The core is pure: no driver, no clock, no chance, no loop, no provider's doubles."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.house import rules
from tests.house.tree import ALLOWED, ROOT, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[ast.Module], Iterator[str]]

CORE = ("src/outreach/domain", "src/outreach/ports")
USE_CASES = "src/outreach/domain/usecases"


def faults(rule: Rule, *folders: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in sources(*folders)
        for fault in rule(ast.parse(path.read_text("utf-8")))
    ]


def test_importing_the_package_loads_attrs_and_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "import outreach\n"
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(tops - set(sys.stdlib_module_names)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    loaded = {name for name in done.stdout.split() if not name.startswith("__editable")}
    assert loaded <= {"attr", "attrs", "outreach"}


def test_the_core_imports_only_attrs_and_what_neither_waits_nor_reads() -> None:
    assert faults(rules.foreign_imports, *CORE) == []


def test_the_core_reads_no_clock_and_draws_no_chance_or_id() -> None:
    assert faults(rules.clock_chance_and_input, *CORE) == []


def test_use_cases_are_coroutines_that_may_be_dropped_at_any_await() -> None:
    assert faults(rules.loop_and_cleanup, USE_CASES) == []


def test_core_and_adapters_have_not_heard_of_the_doubles() -> None:
    heard = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(*CORE, "src/outreach/adapters")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "sandbox" in line.casefold()
        if not any(word in line for word in ALLOWED["vendor-words"])
    ]

    assert heard == []


def test_nothing_is_pickled() -> None:
    pickled = [
        f"{path.relative_to(ROOT)}: {fault}"
        for path in sources("src")
        for fault in rules.foreign_imports(ast.parse(path.read_text("utf-8")))
        if fault.endswith((" pickle", " marshal", " shelve", " dill"))
    ]

    assert pickled == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.foreign_imports, "import redis"),
        (rules.foreign_imports, "from asyncio import sleep"),
        (rules.foreign_imports, "if x:\n    import psycopg.rows"),
        (rules.foreign_imports, "import time"),
        (rules.foreign_imports, "from . import lead"),
        (rules.clock_chance_and_input, "from datetime import datetime\ndatetime.now()"),
        (rules.clock_chance_and_input, "import datetime as dt\ndt.date.today()"),
        (rules.clock_chance_and_input, "from datetime import date as d\nd.today()"),
        (rules.clock_chance_and_input, "random.uniform(0, 1)"),
        (rules.clock_chance_and_input, "from random import choice"),
        (rules.clock_chance_and_input, "from uuid import uuid4"),
        (rules.clock_chance_and_input, "uuid.uuid1()"),
        (rules.clock_chance_and_input, "Random()"),
        (rules.clock_chance_and_input, "hash('a')"),
        (rules.clock_chance_and_input, "open('x')"),
        (rules.loop_and_cleanup, "async def f():\n    async with x: pass"),
        (rules.loop_and_cleanup, "async def f():\n    async for x in y: pass"),
        (rules.loop_and_cleanup, "async def f():\n    return [x async for x in y]"),
        (rules.loop_and_cleanup, "async def f():\n    yield 1"),
        (rules.loop_and_cleanup, "async def f():\n    await anyio.sleep(1)"),
        (rules.loop_and_cleanup, "async def f():\n    await gather(a, b)"),
        (rules.loop_and_cleanup, "try: pass\nexcept BaseException: pass"),
        (
            rules.loop_and_cleanup,
            "try: pass\nexcept (KeyError, BaseExceptionGroup): pass",
        ),
        (rules.loop_and_cleanup, "try: pass\nexcept: pass"),
        (rules.loop_and_cleanup, "with suppress(BaseException): pass"),
        (
            rules.loop_and_cleanup,
            "async def f():\n    try: pass\n    finally:\n        await x()",
        ),
    ],
)
def test_each_rule_sees_what_breaks_it(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) != []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.foreign_imports, "from attrs import frozen\nimport zoneinfo"),
        (rules.foreign_imports, "from outreach.domain.ids import LeadId"),
        (rules.clock_chance_and_input, "rng.uniform(0, 1); now - start; Random(7)"),
        (rules.clock_chance_and_input, "from uuid import UUID, uuid5"),
        (rules.clock_chance_and_input, "await self.clock.now()"),
        (
            rules.loop_and_cleanup,
            "async def f():\n try:\n  await x()\n except A: pass\n def g():\n  yield",
        ),
    ],
)
def test_each_rule_lets_pass_what_is_fine(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) == []
