"""What a gateway owes that fetches the rest of an event, or lists its domains."""

from __future__ import annotations

from typing import Final, Protocol

from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.event import EventType, SystemEvent
from outreach.ports.domains import ChecksDomains, ExaminesDomains
from outreach.ports.incoming import FetchesContent
from outreach.testing.gateway_bench import Situation, Workbench, raised

__all__ = [
    "ChecksDomainsContract",
    "DomainsWorkbench",
    "ExaminesDomainsContract",
    "ExaminesWorkbench",
    "FetchesContentContract",
    "FetchesWorkbench",
]

_UNASKABLE: Final = {
    Situation.UNREACHABLE: Unavailable,
    Situation.KEY_REVOKED: Misconfigured,
}


class FetchesWorkbench(Workbench, Protocol):
    """A workbench whose provider tells of what came in by a part of it."""

    async def receive(self, text: str) -> SystemEvent:
        """Something comes in; the event as its webhook says it."""
        ...

    async def forget(self, event: SystemEvent) -> None:
        """The provider has it no longer."""
        ...


class DomainsWorkbench(Workbench, Protocol):
    """A workbench whose provider sends from domains."""

    async def own(self, domain: str, *, ready: bool) -> None:
        """The account has this domain, too."""
        ...


class ExaminesWorkbench(DomainsWorkbench, Protocol):
    """A workbench whose domains can be asked about, or not."""

    async def hide(self, domain: str) -> None:
        """Nobody can be asked about this domain."""
        ...


class FetchesContentContract:
    """Every promise of `FetchesContent`."""

    async def test_what_is_fetched(self, bench: FetchesWorkbench) -> None:
        """What is fetched is complete, and has the key it had."""
        event = await bench.receive("Da, vă rog.")
        await bench.receive("of another")

        whole = await _fetcher(bench).fetch(event)

        assert event.incomplete
        assert not whole.incomplete
        assert (whole.key, whole.type) == (event.key, EventType.REPLY)
        assert whole.content == "Da, vă rog."
        assert whole.address == event.address

    async def test_fetched_again(self, bench: FetchesWorkbench) -> None:
        """Fetched again, it is the same."""
        event = await bench.receive("Da")

        twice = [await _fetcher(bench).fetch(event) for _ in range(2)]

        assert twice[0] == twice[1]

    async def test_a_whole_event(self, bench: FetchesWorkbench) -> None:
        """An event that is complete is given back as it is, and nobody is asked."""
        whole = await _fetcher(bench).fetch(await bench.receive("Da"))
        await bench.arrange(Situation.UNREACHABLE)

        assert await _fetcher(bench).fetch(whole) == whole

    async def test_what_is_gone(self, bench: FetchesWorkbench) -> None:
        """What the provider no longer has is complete, as something to look at."""
        event = await bench.receive("Da")
        await bench.forget(event)

        whole = await _fetcher(bench).fetch(event)

        assert not whole.incomplete
        assert (whole.key, whole.type) == (event.key, EventType.REPLY)
        assert (whole.media, whole.content) == (True, "")
        assert whole.detail

    async def test_who_cannot_be_asked(self, bench: FetchesWorkbench) -> None:
        """A provider that cannot be asked is Unavailable, one that refuses us is
        Misconfigured.
        """
        event = await bench.receive("hush")
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)

            error = await raised(_fetcher(bench).fetch(event))

            assert type(error) is kind, (situation, error)
            assert "hush" not in str(error)


class ChecksDomainsContract:
    """Every promise of `ChecksDomains`."""

    async def test_every_domain(self, bench: DomainsWorkbench) -> None:
        """Every domain of the account is listed, and whether it is ready."""
        await bench.own("ready.example", ready=True)
        await bench.own("new.example", ready=False)

        listed = await _checker(bench).domains()

        found = {one.name: one.ready for one in listed}
        assert found["ready.example"] is True
        assert found["new.example"] is False

    async def test_who_cannot_be_asked_of_domains(
        self, bench: DomainsWorkbench
    ) -> None:
        """A provider that cannot be asked is Unavailable, one that refuses us is
        Misconfigured.
        """
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)

            error = await raised(_checker(bench).domains())

            assert type(error) is kind, (situation, error)


class ExaminesDomainsContract:
    """Every promise of `ExaminesDomains`; the DNS can be asked again in the end."""

    async def test_each_domain(self, bench: ExaminesWorkbench) -> None:
        """Each domain that could be asked about has a verdict, and what is wrong with
        it.
        """
        await bench.own("ready.example", ready=True)
        await bench.own("new.example", ready=False)

        told = await _examiner(bench).examine(["ready.example", "new.example"])

        found = {one.name: one for one in told}
        assert found["ready.example"].ready
        assert not found["ready.example"].says
        assert not found["new.example"].ready
        assert found["new.example"].says

    async def test_one_domain_is_silent(self, bench: ExaminesWorkbench) -> None:
        """One that could not be asked about has none."""
        await bench.own("ready.example", ready=True)
        await bench.hide("silent.example")

        told = await _examiner(bench).examine(["silent.example", "ready.example"])

        assert [one.name for one in told] == ["ready.example"]

    async def test_all_are_silent(self, bench: ExaminesWorkbench) -> None:
        """If none could be asked about, it is Unavailable."""
        await bench.arrange(Situation.UNREACHABLE)

        error = await raised(_examiner(bench).examine(["any.example"]))

        assert type(error) is Unavailable, error


def _examiner(bench: Workbench) -> ExaminesDomains:
    assert isinstance(bench.gateway, ExaminesDomains)
    return bench.gateway


def _fetcher(bench: Workbench) -> FetchesContent:
    assert isinstance(bench.gateway, FetchesContent)
    return bench.gateway


def _checker(bench: Workbench) -> ChecksDomains:
    assert isinstance(bench.gateway, ChecksDomains)
    return bench.gateway
