"""What is put to the test: an adapter, and where its provider is played."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.testing.gateway_bench import Workbench
from outreach.testing.webhooks import Deliveries

__all__ = ["Adapter", "load"]


@frozen(kw_only=True)
class Adapter:
    """An adapter to be proven.

    Attributes:
        bench: opens the adapter and its provider, afresh for every promise.
        channel: that its senders are for; the suites' messages are given to it as such.
        deliveries: its webhooks; None: it has none.
        known_by_content: `LooksUp` knows a message by its text and conversation, not
            by an id of ours that went with it.
        holds: the provider keeps what it took until its time comes; False: it is gone
            at once, so that nothing of it can be taken back.
    """

    name: str
    bench: Callable[[], AbstractAsyncContextManager[Workbench]]
    channel: Channel = Channel.WHATSAPP
    deliveries: Deliveries | None = None
    known_by_content: bool = False
    holds: bool = True


def load(where: str) -> Adapter:
    """The adapter that ``package.module:factory`` makes.

    Raises:
        Misconfigured: there is no such module or factory, or it makes something else.
    """
    module, _, name = where.partition(":")
    if not (module and name):
        message = f"{where!r} names no adapter: write package.module:factory"
        raise Misconfigured(message)
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        message = f"{where}: {error}; is its folder on the path (PYTHONPATH)?"
        raise Misconfigured(message) from error
    except AttributeError as error:
        message = f"{where}: module {module} has no {name!r}"
        raise Misconfigured(message) from error
    made = found() if callable(found) else found
    if not isinstance(made, Adapter):
        kind = type(made).__name__
        message = f"{where} gives {kind}: it must give outreach.testing.kit.Adapter"
        raise Misconfigured(message)
    return made
