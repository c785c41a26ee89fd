"""The suites write to phones; an adapter for mail is given the same as mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from outreach.domain.channel import Channel, Permit, State
from outreach.domain.message import Parcel
from outreach.testing.gateway_bench import Workbench

__all__ = ["as_mail"]

_PERMITS: Final = {
    Channel.EMAIL_COLD: Permit(Channel.EMAIL_COLD, State.COLD),
    Channel.EMAIL_WARM: Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
}
_METHODS: Final = (
    *("send", "send_many", "repeat", "look", "look_many", "statuses", "stop", "use"),
    *("ensure", "state", "resume", "counts", "senders", "domains", "fetch"),
    *("register", "lost"),
)
"""Of all abilities of `outreach.ports`."""


def as_mail(bench: Workbench, channel: Channel) -> Any:
    """*bench*, with an adapter that is given mail; itself if it is for phones."""
    return bench if channel is Channel.WHATSAPP else _MailBench(bench, channel)


class _MailBench:
    """Everything but the gateway is the bench's own."""

    def __init__(self, bench: Workbench, channel: Channel) -> None:
        self._bench = bench
        self._channel = channel

    @property
    def gateway(self) -> Any:
        return _mailing(self._bench.gateway, self._channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bench, name)


def _mailing(inner: object, channel: Channel) -> Any:
    """A gateway with the abilities of *inner* and no other: a class made for it, as
    an ability is told by the methods that a class has.
    """
    members: dict[str, Any] = {
        name: _given_mail(getattr(inner, name), channel)
        for name in _METHODS
        if hasattr(inner, name)
    }
    if hasattr(inner, "repeats_for"):
        members["repeats_for"] = property(lambda _: inner.repeats_for)
    return type("AsMail", (), members)()


def _given_mail(method: Callable[..., Any], channel: Channel) -> Callable[..., Any]:
    async def call(_: object, *given: Any) -> Any:
        return await method(*(_mail(one, channel) for one in given))

    return call


def _mail(given: Any, channel: Channel) -> Any:
    if isinstance(given, list | tuple):
        return [_mail(one, channel) for one in given]
    if not isinstance(given, Parcel) or given.permit.channel is not Channel.WHATSAPP:
        return given
    return evolve(
        given,
        permit=_PERMITS[channel],
        sender_number=_address(given.sender_number, "ours.example"),
        to=_address(given.to, "theirs.example"),
        subject="Bună ziua",
    )


def _address(number: str, domain: str) -> str:
    return f"n{number.removeprefix('+')}@{domain}"
