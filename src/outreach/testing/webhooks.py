"""What a reader of webhooks owes, and what checks that they are the provider's."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from outreach.domain.event import EventType, SystemEvent
from outreach.ports.gateway import Reads
from outreach.ports.incoming import Authenticates

__all__ = ["AuthenticatesContract", "Deliveries", "ReadsContract", "Sample"]

NOW: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_STRANGE: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    1e308,
    "",
    "\u0000\ud83d",
    [],
    {},
    [[]],
    {"a": {}},
)
_NOISE: Final = 300
_DEEP: Final = 100_000
_STALE: Final = timedelta(days=2)


@frozen
class Sample:
    """A body as the provider sends it, and what it says.

    Attributes:
        types: of its events, in order.
    """

    body: bytes
    types: tuple[EventType, ...]


@frozen(kw_only=True)
class Deliveries:
    """A provider's webhooks, for the suites of this module.

    Attributes:
        reader: makes a reader as a fresh process has it.
        samples: one for each thing that the provider tells; each about something else.
        checks: tells the provider's deliveries from others'; None: it signs nothing.
        signed: the headers (lower case) with which the provider sends a body at a time.
        dated: its signature says when it was made.
    """

    reader: Callable[[], Reads]
    samples: Sequence[Sample]
    checks: Authenticates | None = None
    signed: Callable[[bytes, datetime], Mapping[str, str]] = field(
        default=lambda _body, _at: {}
    )
    dated: bool = True


class ReadsContract:
    """Every promise of `Reads`."""

    async def test_every_sample_says_what_it_says(self, told: Deliveries) -> None:
        assert told.samples, "there is no sample: give one of each kind"
        for sample in told.samples:
            found = _read(told, sample.body)
            assert tuple(event.type for event in found) == sample.types, found

    async def test_a_repeated_webhook_has_the_same_keys(self, told: Deliveries) -> None:
        for sample in told.samples:
            assert _read(told, sample.body) == _read(told, sample.body)

    async def test_different_events_have_different_keys(self, told: Deliveries) -> None:
        keys = [one.key for sample in told.samples for one in _read(told, sample.body)]

        assert all(keys)
        assert len(keys) == len(set(keys)), "two events would be taken for one"

    async def test_webhooks_may_come_in_any_order(self, told: Deliveries) -> None:
        bodies = [sample.body for sample in told.samples]
        forth, back = told.reader(), told.reader()

        ahead = [forth.read(body) for body in bodies]
        behind = [back.read(body) for body in reversed(bodies)]

        assert ahead == list(reversed(behind))

    async def test_a_late_webhook_tells_its_own_time(self, told: Deliveries) -> None:
        for sample in told.samples:
            for event in _read(told, sample.body):
                if event.occurred_at is not None:
                    assert event.occurred_at.tzinfo is not None, event
                    assert event.occurred_at < datetime.now(UTC), event

    async def test_a_malformed_webhook_raises_nothing(self, told: Deliveries) -> None:
        reached = 0
        for body in _malformed(told.samples):
            reached += 1
            for event in _read(told, body):
                assert event.key, body[:200]
                assert isinstance(event.type, EventType), body[:200]
        assert reached > _NOISE

    async def test_what_cannot_be_read_is_kept_as_unknown(
        self, told: Deliveries
    ) -> None:
        bodies = (b"", b"\x00\xff", b"<html>busy</html>", b"[" * _DEEP)

        read = [_read(told, body) for body in bodies]

        types = [[event.type for event in found] for found in read]
        assert types == [[EventType.UNKNOWN]] * len(bodies)
        assert len({found[0].key for found in read}) == len(bodies)


class AuthenticatesContract:
    """Every promise of `Authenticates`."""

    async def test_the_providers_own_delivery_is_theirs(self, told: Deliveries) -> None:
        for body, headers in _signed(told):
            assert _checks(told).may_be(headers, NOW)
            assert _checks(told).is_theirs(headers, body, NOW)

    async def test_another_body_is_not_theirs(self, told: Deliveries) -> None:
        for body, headers in _signed(told):
            for other in (body + b" ", body[:-1], b"", bytes([body[0] ^ 1]) + body[1:]):
                assert not _checks(told).is_theirs(headers, other, NOW)

    async def test_a_delivery_without_its_signature_is_not_theirs(
        self, told: Deliveries
    ) -> None:
        for body, headers in _signed(told):
            for name in headers:
                rest = {one: text for one, text in headers.items() if one != name}
                assert not _checks(told).is_theirs(rest, body, NOW), name
            assert not _checks(told).may_be({}, NOW)

    async def test_a_replay_of_another_day_is_not_theirs(
        self, told: Deliveries
    ) -> None:
        if not told.dated:
            return
        for body, headers in _signed(told):
            for then in (NOW + _STALE, NOW - _STALE):
                assert not _checks(told).is_theirs(headers, body, then)

    async def test_nothing_a_stranger_sends_is_raised_about(
        self, told: Deliveries
    ) -> None:
        for body, headers in _signed(told):
            for name, text in headers.items():
                for other in ("", "é\x00", "v1,", "=" * 100_000, text[::-1], text[:-1]):
                    strange = {**headers, name: other}
                    assert _checks(told).may_be(strange, NOW) in {True, False}
                    assert not _checks(told).is_theirs(strange, body, NOW), name


def _read(told: Deliveries, body: bytes) -> tuple[SystemEvent, ...]:
    return tuple(told.reader().read(body))


def _checks(told: Deliveries) -> Authenticates:
    assert told.checks is not None
    return told.checks


def _signed(told: Deliveries) -> Iterator[tuple[bytes, Mapping[str, str]]]:
    for sample in told.samples:
        headers = told.signed(sample.body, NOW)
        assert headers, "the samples are not signed"
        yield sample.body, headers


def _malformed(samples: Sequence[Sample]) -> Iterator[bytes]:
    """Samples cut, with bits turned, with strange values in each place; and noise."""
    chance = random.Random(7)
    for sample in samples:
        body = sample.body
        for end in range(0, len(body), max(1, len(body) // 40)):
            yield body[:end]
        for _ in range(40):
            at = chance.randrange(len(body))
            yield (
                body[:at]
                + bytes([body[at] ^ 1 << chance.randrange(8)])
                + body[at + 1 :]
            )
        yield from _with_strange_values(body)
    for _ in range(_NOISE):
        yield chance.randbytes(chance.randrange(200))


def _with_strange_values(body: bytes) -> Iterator[bytes]:
    try:
        whole = json.loads(body)
    except ValueError:
        return
    for path in _paths(whole):
        for value in _STRANGE:
            yield json.dumps(_put(whole, path, value)).encode()


def _paths(whole: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(whole, dict):
        inside = whole.items()
    elif isinstance(whole, list):
        inside = enumerate(whole)
    for key, value in inside:
        yield from _paths(value, (*path, key))


def _put(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = dict(whole) if isinstance(whole, dict) else list(whole)
    changed[path[0]] = _put(whole[path[0]], path[1:], value)
    return changed
