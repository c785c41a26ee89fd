"""What the web app is made of; whoever builds it says it all here."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from attrs import field, frozen

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.gauges import Gauges
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.settings import Secret
from outreach.ports.bell import Bell
from outreach.ports.gateway import Reads
from outreach.ports.inbox import Inbox
from outreach.ports.incoming import Authenticates

__all__ = ["Limits", "Probe", "WebParts", "WebhookRoute"]

Probe = Callable[[], Awaitable[None]]
"""Returns if the thing it asks is well, raises if not."""


@frozen
class WebhookRoute:
    """How one provider account's webhooks are told apart, and who reads them.

    Attributes:
        account: name of the provider account that a secret of these belongs to.
        tokens: the last part of the path, any of them; empty: no such path.
        header_secrets: of the header ``X-Outreach-Webhook-Secret``, likewise.
        signed: what the provider's signature is checked by, where it signs.
        by_number: the path goes on after the token with our number (E.164), which the
            provider's deliveries do not name.
    """

    provider: str = field()
    account: str
    reader: Reads
    tokens: tuple[Secret, ...] = ()
    header_secrets: tuple[Secret, ...] = ()
    signed: Authenticates | None = None
    by_number: bool = False

    @provider.validator
    def _one_part(self, _: object, provider: str) -> None:
        if not provider.isascii() or not provider.replace("-", "").isalnum():
            message = (
                f"{provider!r} cannot be part of a path: "
                "name a provider by letters, digits and -"
            )
            raise Misconfigured(message)


@frozen
class Limits:
    """What a stranger, or a provider gone wrong, may cost us (machine time).

    Attributes:
        body_bytes: counted, whatever the request says of itself.
        body_within: from the head of a request to the end of its body.
        store_within: how long the inbox may take before the provider is told to
            come again.
        failures: failed authentications per client address that are answered 401
            before 429 begins; one more each *failure_every*. Those that pass are
            never limited.
        posts: to the pages behind links, per client address, at once; one more each
            *post_every*. Whoever is over it is told to wait, and heard all the same.
        probe_within: how long one readiness probe may take.
    """

    body_bytes: int = 1 << 20
    body_within: timedelta = timedelta(seconds=10)
    store_within: timedelta = timedelta(seconds=8)
    failures: int = 60
    failure_every: timedelta = timedelta(seconds=1)
    posts: int = 600
    post_every: timedelta = timedelta(milliseconds=100)
    probe_within: timedelta = timedelta(seconds=2)


@frozen(kw_only=True)
class WebParts:
    """Everything the app needs; nothing is looked up anywhere else.

    Attributes:
        probes: by name; ``/readyz`` asks them all.
        gauges: the store's figures for ``/metrics``, if they are to be there.
        now: machine time, UTC.
    """

    inbox: Inbox
    bell: Bell
    routes: Sequence[WebhookRoute]
    probes: Mapping[str, Probe]
    metrics: Metrics
    gauges: Gauges | None = None
    limits: Limits = field(factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
