"""``pytest --outreach-adapter package.module:factory``: the kit as tests of their own.

Each promise is a test, and the report at the end says what the adapter can do. Other
tests that are named on the same command line run as ever; with none named, the kit
runs alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import pytest

from outreach.domain.errors import Misconfigured
from outreach.testing.kit.promises import Promise, promises
from outreach.testing.kit.proving import Kept, Report, table
from outreach.testing.kit.subject import Adapter, load

__all__ = ["Kit", "pytest_addoption", "pytest_configure"]

_OPTION: Final = "--outreach-adapter"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--outreach-adapter``, as often as there are adapters."""
    group = parser.getgroup("outreach")
    group.addoption(
        _OPTION,
        action="append",
        default=[],
        metavar="PACKAGE.MODULE:FACTORY",
        help="prove this adapter: every promise of every ability that it has",
    )


def pytest_configure(config: pytest.Config) -> None:
    """With an adapter named, the kit joins the run."""
    wanted = config.getoption(_OPTION)
    if not wanted:
        return
    try:
        adapters = [load(one) for one in wanted]
    except Misconfigured as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Kit(adapters), "outreach-kit")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []


class Kit:
    """Puts the promises into the run, and reports on them."""

    def __init__(self, adapters: list[Adapter]) -> None:
        self.adapters = adapters
        self.kept: dict[str, list[Kept]] = {one.name: [] for one in adapters}

    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """After the tests that were named, if any."""
        for adapter in self.adapters:
            group = Group.from_parent(session, name=adapter.name)
            items.extend(
                Held.from_parent(group, name=promise.name, promise=promise)
                for promise in asyncio.run(promises(adapter))
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Any:
        """Remember what came of a promise."""
        report = yield
        if isinstance(item, Held) and call.when == "call":
            error = call.excinfo
            broken = "" if error is None else error.exconly()
            adapter = item.parent.name if item.parent else ""
            self.kept[adapter].append(Kept(item.promise, broken))
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The capability table of each adapter."""
        for name, kept in self.kept.items():
            terminalreporter.section("outreach conformance")
            for line in table(Report(name, kept)):
                terminalreporter.write_line(line)


class Group(pytest.Collector):
    """The promises of one adapter."""

    def collect(self) -> Iterator[pytest.Item]:
        """They are put into the run by `Kit`."""
        return iter(())


class Held(pytest.Item):
    """A promise that an adapter is held to."""

    def __init__(self, *, promise: Promise, **given: Any) -> None:
        super().__init__(**given)
        self.promise = promise

    def runtest(self) -> None:
        """In an event loop of its own."""
        asyncio.run(self.promise.keep())

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """The promise is its name."""
        return self.path, None, f"{self.nodeid}"
