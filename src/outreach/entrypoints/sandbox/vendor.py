"""One workspace at the vendor, put together from its files and its options."""

from __future__ import annotations

import asyncio
import collections
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from zoneinfo import ZoneInfo

import attrs
import httpx

from outreach.entrypoints.sandbox.agenda import Agenda
from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.clock import Clock
from outreach.entrypoints.sandbox.faults import Certain
from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.instantly.workspace import Workspace
from outreach.entrypoints.sandbox.journal import Journal, Json, read_lines
from outreach.entrypoints.sandbox.memory import Memory
from outreach.entrypoints.sandbox.population import Population
from outreach.entrypoints.sandbox.postman import Postman
from outreach.entrypoints.sandbox.resend.team import Team
from outreach.entrypoints.sandbox.subscriptions import Subscriptions
from outreach.entrypoints.sandbox.wire import Scribe
from outreach.entrypoints.sandbox.world import Account, World

__all__ = ["OtherSeed", "Plan", "Vendor"]


class OtherSeed(ValueError):
    """The files belong to a population of another seed."""


@attrs.frozen(kw_only=True)
class Plan:
    """What a sandbox is started with.

    `speed` is engine seconds per second. Without `accounts` every number that a
    send names is taken for a connected one. Without `token` one is made, and
    kept for the next start; it is that of every wire. `mailboxes` are Instantly's,
    `domains` those that Resend has verified (without any: whatever a mail comes
    from). `begin_s` is the engine time to begin at, in Unix seconds.
    """

    seed: int
    speed: float
    behaviour: Behaviour
    zone: ZoneInfo
    accounts: tuple[str, ...] = ()
    token: str | None = None
    mailboxes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    begin_s: float | None = None


class Vendor:
    """Holds the parts; made inside a running event loop."""

    def __init__(
        self,
        plan: Plan,
        *,
        journal: Journal,
        clients: asyncio.Queue[httpx.AsyncClient],
        base_url: str,
        fail: Callable[[BaseException], None],
    ) -> None:
        """Read the files and go on from there.

        Raises OtherSeed if they were written under another seed.
        """
        kept = journal.state()
        if kept and kept["seed"] != plan.seed:
            message = (
                f"{journal.log} was written with --seed {kept['seed']}, not "
                f"{plan.seed}: use that seed, or another log"
            )
            raise OtherSeed(message)
        self.seed = plan.seed
        self.behaviour = plan.behaviour
        self.learns_accounts = not plan.accounts
        self.token: str = plan.token or kept.get("token") or secrets.token_urlsafe()
        self.calls = 0
        self.journal = journal
        self.world = World()
        self.certain = Certain(plan.behaviour.sure_by)
        self.subscriptions = Subscriptions(kept.get("webhooks", ()))
        self.agenda = Agenda(plan.speed, fail)
        self.scribe = Scribe(plan.zone, base_url, plan.speed)
        self.postman = Postman(
            seed=plan.seed,
            behaviour=lambda: self.behaviour,
            journal=journal,
            agenda=self.agenda,
            certain=self.certain,
            subscriptions=self.subscriptions,
            clients=clients,
        )
        begin_s = kept.get("engine_s") if plan.begin_s is None else plan.begin_s
        ground = Ground(
            seed=plan.seed,
            behaviour=lambda: self.behaviour,
            journal=journal,
            agenda=self.agenda,
            clock=Clock(plan.speed, begin_s),
            world=self.world,
            certain=self.certain,
            clients=clients,
            token=self.token,
        )
        self.clock = ground.clock
        self.resend = Team(ground, plan.domains)
        self.instantly = Workspace(ground, plan.mailboxes)
        memory = Memory(
            seed=plan.seed,
            behaviour=lambda: self.behaviour,
            world=self.world,
            certain=self.certain,
        )
        self.population = Population(
            seed=plan.seed,
            world=self.world,
            memory=memory,
            journal=journal,
            agenda=self.agenda,
            postman=self.postman,
            scribe=self.scribe,
            certain=self.certain,
        )
        for account in kept.get("accounts", ()):
            self.world.accounts[account["phone"]] = Account(**account)
        # Each connects a second after the one before, so that one is the newest.
        for place, phone in enumerate(plan.accounts):
            self.world.account(phone, time.time() - len(plan.accounts) + place)
        self._restore(memory)
        self.save()

    def learn(self, phone: str) -> None:
        """Take a number for a connected account from now on."""
        self.world.account(phone, time.time())
        self.save()

    def save(self) -> None:
        """Keep what the logs do not hold: call it after each change of it."""
        self.journal.keep(
            {
                "seed": self.seed,
                "token": self.token,
                "webhooks": self.subscriptions.kept(),
                "accounts": [
                    attrs.asdict(account) for account in self.world.accounts.values()
                ],
                "engine_s": self.clock.kept_s(),
            }
        )

    def _restore(self, memory: Memory) -> None:
        accepted = _by_wire(read_lines(self.journal.log))
        events = _by_wire(read_lines(self.journal.events_log))
        for account in self.world.accounts.values():
            account.accepted = 0
        for line in accepted["timelinesai"]:
            memory.accepted(line)
        for line in events["timelinesai"]:
            memory.recall(line)
        for chat in self.world.chats.values():
            chat.messages.sort(key=lambda message: message.at_s)
        self.world.accepted = max(
            (line["n"] for lines in accepted.values() for line in lines), default=0
        )
        self.postman.resume(events["timelinesai"], time.time())
        self.population.go_on()
        self.resend.restore(accepted["resend"], events["resend"])
        self.instantly.restore(accepted["instantly"], events["instantly"])
        if not self.subscriptions.live():
            self.postman.open()


def _by_wire(lines: Iterable[Json]) -> Mapping[str, list[Json]]:
    sorted_lines = collections.defaultdict[str, list[Json]](list)
    for line in lines:
        sorted_lines[line.get("wire", "timelinesai")].append(line)
    return sorted_lines
