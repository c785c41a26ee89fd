"""The guard as one Redis hash per budget and period (``lua/`` has its four verbs)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from attrs import define, field
from redis.asyncio import Redis

from outreach.adapters.redis._line import (
    INFO,
    Argument,
    Line,
    Reply,
    open_line,
    pack,
    pack_command,
    run_of,
)
from outreach.adapters.redis._scripts import SCRIPTS
from outreach.adapters.redis.client import TIMEOUT
from outreach.domain.budget import KEEP, Ask, Grant, GuardCode, Units, UnitSlot
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import IntentId

__all__ = ["YOUNG", "RedisGuard"]

YOUNG: Final = timedelta(minutes=10)
"""A reservation that the ledger does not know yet may still be armed for this long.

Ten times what a claim is good for. Afterwards its worker is dead, and a rebuild
forgets it, so that a crash between guard and ledger costs nobody's unit for ever.
"""
_KEYS_REMEMBERED: Final = 10_000
_KEEP_S: Final = int(KEEP.total_seconds())
_DAY_S: Final = 86_400
_CODES: Final = (GuardCode.OK, GuardCode.QUOTA_EXCEEDED, GuardCode.NEED_REBUILD)


@define(eq=False)
class RedisGuard:
    """Implements :class:`outreach.ports.guard.Guard`.

    ``quota:wa:{<sender>}:YYYY-MM-DD`` holds the reservations of a day, and
    ``quota:wa:{<sender>}:<budget key>`` those of a further budget, as 16 bytes of
    their ids. Calls that come together travel together on one connection of its own,
    made like those of *redis* at the first call and again after it was lost; there is
    no other retry, since the caller may simply ask again.

    A hash is believed only within the run of the server that it was rebuilt in, beside
    its epoch: after a restart, from whatever state, each one must be rebuilt once.
    What an ask takes nothing of is not looked at, so that a follow-up needs no
    rebuild. NEED_REBUILD names the further budget that it is about, if it is about
    one: rebuild with that key listed, also if the ledger holds nothing under it.

    Args:
        redis: where, and as whom; its owner closes it.
        prefix: before every key; no braces, which would move the hash tag.
        timeout: for a connection and for each call.
        young: see ``YOUNG``.

    Raises:
        Misconfigured: *prefix* has braces.
    """

    _redis: Redis
    _prefix: str = field(default="", kw_only=True)
    _timeout: timedelta = field(default=TIMEOUT, kw_only=True)
    _young: timedelta = field(default=YOUNG, kw_only=True)
    _line: Line | None = field(default=None, init=False)
    _opening: asyncio.Task[Line] | None = field(default=None, init=False)
    _keys: dict[UnitSlot, str] = field(factory=dict, init=False)

    @_prefix.validator
    def _check_prefix(self, _: object, prefix: str) -> None:
        if "{" in prefix or "}" in prefix:
            msg = f"a prefix of Redis keys has no braces: {prefix!r}"
            raise Misconfigured(msg)

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Take the units of each ask, or say why not."""
        if not asks:
            return []
        line = self._line
        if line is None or line.is_lost:
            line = await self._connect()
        run, second = line.run, line.second()
        replies = await line.ask([self._pack(ask, run, second) for ask in asks])
        return [_grant(ask, reply) for ask, reply in zip(asks, replies, strict=True)]

    async def release(self, rid: IntentId, slot: UnitSlot) -> None:
        """Give a reservation's units back; unknown is fine."""
        own = [self._key(slot), self._record(slot)]
        [taken] = await self._release(own, rid)
        while taken:  # until nobody took more since we read it
            further = [key.decode() for key in taken]
            [taken] = await self._release(own + further, rid)

    async def rebuild(self, units: Sequence[Units]) -> None:
        """Bring slots to at least what the ledger holds, under its epoch."""
        if units:
            line = await self._connect()
            await line.ask([self._pack_rebuild(each, line.run) for each in units])

    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        """Use of each slot and the limit last told, or NEED_REBUILD."""
        if not slots:
            return []
        line = await self._connect()
        replies = await line.ask(
            [pack(SCRIPTS["peek"], [self._key(slot)], line.run) for slot in slots]
        )
        return [Grant(_CODES[code], used, limit) for code, used, limit in replies]

    async def held(self, slot: UnitSlot, budget: str = "") -> frozenset[IntentId]:
        """Whose units a slot, or a further budget of its sender, holds, for an audit;
        empty where it is missing.

        Raises:
            Unavailable: the store did not answer.
        """
        line = await self._connect()
        key = self._budget_key(slot, budget) if budget else self._key(slot)
        [fields] = await line.ask([pack_command(("HKEYS", key))])
        return frozenset(
            IntentId(UUID(bytes=name)) for name in fields if name != b"meta"
        )

    async def store_id(self) -> str:
        """Name the server's run; a restart or a failover changes it.

        Raises:
            Unavailable: the store did not answer.
        """
        line = await self._connect()
        [info] = await line.ask([INFO])
        return run_of(info).decode()

    async def aclose(self) -> None:
        """End the connection; a later call makes a new one."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._line is not None:
            await self._line.aclose()

    async def _connect(self) -> Line:
        """The connection, made once however many ask for it."""
        if self._line is not None and not self._line.is_lost:
            return self._line
        if self._opening is None:
            self._opening = asyncio.create_task(
                open_line(
                    self._redis.connection_pool,
                    timeout_s=self._timeout.total_seconds(),
                )
            )
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    def _opened(self, opening: asyncio.Task[Line]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._line = opening.result()

    async def _release(self, keys: Sequence[str], rid: IntentId) -> list[Reply]:
        line = await self._connect()
        return await line.ask([pack(SCRIPTS["release"], keys, rid.bytes)])

    def _pack(self, ask: Ask, run: bytes, second: int) -> bytes:
        keys = [self._keys.get(ask.slot) or self._key(ask.slot)]
        meta = b"%d@%b/%d" % (ask.epoch, run, ask.limit)
        arguments: list[Argument] = [ask.rid.bytes, second]
        arguments += ask.cost, ask.limit, meta, _keep_s(ask.expires_in)
        for budget in ask.budgets:
            keys.append(self._budget_key(ask.slot, budget.key))
            meta = b"%d@%b/%d" % (ask.epoch, run, budget.limit)
            arguments += budget.cost, budget.limit, meta, _keep_s(budget.expires_in)
        if ask.budgets:
            keys.append(self._record(ask.slot))
        return pack(SCRIPTS["reserve"], keys, *arguments)

    def _pack_rebuild(self, units: Units, run: bytes) -> bytes:
        limit = max(0, units.effective - units.external)
        keys = [self._key(units.slot)]
        arguments: list[Argument] = [
            b"%d@%b/%d" % (units.epoch, run, limit),
            _keep_s(units.expires_in),
            int(self._young.total_seconds()),
            *_counted(units.ids),
        ]
        for name, ids in units.budgets:
            keys.append(self._budget_key(units.slot, name))
            arguments += _counted(ids)
        return pack(SCRIPTS["rebuild"], [*keys, self._record(units.slot)], *arguments)

    def _key(self, slot: UnitSlot) -> str:
        key = self._keys.get(slot)
        if key is None:
            if len(self._keys) >= _KEYS_REMEMBERED:
                self._keys.clear()
            key = f"{self._prefix}quota:wa:{{{slot.sender}}}:{slot.day}"
            self._keys[slot] = key
        return key

    def _record(self, slot: UnitSlot) -> str:
        return f"{self._key(slot)}:budgets"

    def _budget_key(self, slot: UnitSlot, name: str) -> str:
        if "\n" in name or name[:1].isdigit():
            msg = f"a budget's key is a word and its period in one line, not {name!r}"
            raise ValueError(msg)
        return f"{self._prefix}quota:wa:{{{slot.sender}}}:{name}"


def _grant(ask: Ask, reply: Reply) -> Grant:
    code, used, place = reply
    if place <= 1:  # 1 is the day itself
        return Grant(_CODES[code], used, ask.limit)
    budget = ask.budgets[place - 2].key
    if code == 1:
        return Grant(GuardCode.BUDGET_EXCEEDED, used, ask.limit, budget)
    return Grant(GuardCode.NEED_REBUILD, used, ask.limit, budget)


def _counted(ids: Sequence[IntentId]) -> list[Argument]:
    return [len(ids), *(rid.bytes for rid in ids)]


def _keep_s(expires_in: timedelta) -> int:
    """Whole seconds until the period ended KEEP ago; from now if it has ended."""
    return max(0, expires_in.days * _DAY_S + expires_in.seconds) + _KEEP_S
