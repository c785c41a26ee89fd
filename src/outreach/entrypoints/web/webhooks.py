"""Takes in what providers send: authenticate, store, answer, ring; nothing else.

``POST /webhooks/{provider}`` with the provider's own signature, or with a secret in the
header ``X-Outreach-Webhook-Secret``, and ``POST /webhooks/{provider}/{token}``, which
goes on with our number where a delivery does not name it. Each exists only where a
secret for it is configured: without one the answer is 404, as for any provider that
does not exist. With one, a wrong secret or signature is 401, always the same, whatever
is wrong with it; which providers an installation uses is no secret, what their secrets
are is.

A signature is over the body, so that is read first: counted, and only if the head alone
does not rule the delivery out. Where a delivery names a key that must be fetched, or
asks for an answer at its provider's, that has its time; past it the answer is 503.

The path holds a token: whoever writes access logs in front of this app (a proxy, the
server of an embedding application) must leave out or mask paths below ``/webhooks/``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import structlog
from attrs import define, field, frozen
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outreach.domain.errors import Misconfigured, RetryLater
from outreach.domain.event import Arrival
from outreach.entrypoints.metrics import ProviderName, WebhookOutcome, provider_name
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.body import check_encoding, read_body
from outreach.entrypoints.web.errors import Problem
from outreach.entrypoints.web.failures import Failures
from outreach.entrypoints.web.parts import WebhookRoute, WebParts
from outreach.entrypoints.web.reading import arrivals_of
from outreach.entrypoints.web.ringer import Ringer
from outreach.ports.incoming import ConfirmsSubscriptions, LearnsKeys, Stamps

__all__ = ["WEBHOOK_HEADER", "Webhooks"]

WEBHOOK_HEADER: Final = "X-Outreach-Webhook-Secret"

_HEADER: Final = WEBHOOK_HEADER.lower().encode()
_COME_AGAIN_SECONDS: Final = 5
_AT_ONCE_BYTES: Final = 4 << 20
"""Of bodies handed to the inbox together: a body of many events is kept with each,
where its reader cannot take it apart."""
_AT_ONCE: Final = 200

_log = structlog.get_logger(__name__)


@frozen(eq=False)
class _Key:
    """A secret as its hash, so that comparing takes the same time for any length."""

    digest: bytes = field(repr=False)
    route: WebhookRoute = field(repr=False)


@define(eq=False)
class Webhooks:
    """All providers' webhooks of one app.

    Raises:
        Misconfigured: two accounts of one provider share a secret.
    """

    parts: WebParts
    ringer: Ringer = field(init=False)
    _failures: Failures = field(init=False)

    def __attrs_post_init__(self) -> None:
        parts, limits = self.parts, self.parts.limits
        self.ringer = Ringer(parts.bell, parts.metrics)
        self._failures = Failures(
            limits.failures, limits.failure_every, parts.monotonic
        )

    def routes(self) -> list[Route]:
        """A path for each provider and way of authenticating that has a secret."""
        by_provider: dict[str, list[WebhookRoute]] = defaultdict(list)
        for one in self.parts.routes:
            by_provider[one.provider].append(one)
        return [
            route
            for provider, accounts in by_provider.items()
            for route in self._of(provider, accounts)
        ]

    def _of(self, provider: str, accounts: Sequence[WebhookRoute]) -> list[Route]:
        path, found = f"/webhooks/{provider}", []
        by_header = _keys([(one, one.header_secrets) for one in accounts])
        by_token = _keys([(one, one.tokens) for one in accounts])
        signed = tuple(one for one in accounts if one.signed is not None)
        if signed and by_header:
            message = f"{provider} signs: it cannot have a secret in a header, too"
            raise Misconfigured(message)
        if signed:
            intake = self._intake(provider, (), signed)
            found.append(
                Route(path, intake.by_signature, methods=["POST"], name=f"{provider}")
            )
        if by_header:
            intake = self._intake(provider, by_header)
            found.append(
                Route(path, intake.by_header, methods=["POST"], name=f"{provider}")
            )
        if by_token:
            intake = self._intake(provider, by_token)
            # a path, so that a secret with a slash in it is one, too
            found.append(
                Route(
                    path + "/{token:path}",
                    intake.by_token,
                    methods=["POST"],
                    name=f"{provider}-token",
                )
            )
        return found

    def _intake(
        self,
        provider: str,
        keys: tuple[_Key, ...],
        signed: tuple[WebhookRoute, ...] = (),
    ) -> _Intake:
        label = provider_name(provider)
        return _Intake(label, keys, signed, self.parts, self.ringer, self._failures)


@frozen(eq=False)
class _Intake:
    """One provider's webhooks, authenticated in one way."""

    provider: ProviderName
    keys: tuple[_Key, ...]
    signed: tuple[WebhookRoute, ...]
    parts: WebParts
    ringer: Ringer
    failures: Failures

    async def by_header(self, request: Request) -> Response:
        given = (value for name, value in request.headers.raw if name == _HEADER)
        return await self._counted(self._known(request, next(given, b"")))

    async def by_signature(self, request: Request) -> Response:
        return await self._counted(self._signed(request))

    async def by_token(self, request: Request) -> Response:
        token: str = request.path_params["token"]
        number = ""
        if any(key.route.by_number for key in self.keys):
            token, _, number = token.rpartition("/")
        given = token.encode("utf-8", "surrogatepass")
        return await self._counted(self._known(request, given), number)

    async def _counted(
        self, authentic: Awaitable[tuple[WebhookRoute, bytes]], number: str = ""
    ) -> Response:
        metrics, began = self.parts.metrics, self.parts.monotonic()
        outcome = WebhookOutcome.FAILED
        try:
            new = await self._take(*await authentic, number)
            outcome = WebhookOutcome.STORED if new else WebhookOutcome.REPEATED
            metrics.webhook_seconds.observe(self.parts.monotonic() - began)
        except Problem as problem:
            outcome = _OUTCOMES[HTTPStatus(problem.status_code)]
            raise
        except ClientDisconnect:
            outcome = WebhookOutcome.GONE
            # nobody is there to read it
            raise Problem(HTTPStatus.BAD_REQUEST, "the body was cut off") from None
        finally:
            metrics.webhooks.add(self.provider, outcome)
        return JSONResponse({"stored": new})

    async def _known(
        self, request: Request, given: bytes
    ) -> tuple[WebhookRoute, bytes]:
        route = self._authenticated(given)
        if route is None:
            raise self._stranger(request)
        check_encoding(request)
        return route, await read_body(request, self.parts.limits)

    async def _signed(self, request: Request) -> tuple[WebhookRoute, bytes]:
        """The account whose signature this is; every account is asked."""
        headers, now = _first_of_each(request), self.parts.now()
        likely = [
            (route, route.signed)
            for route in self.signed
            if route.signed is not None and route.signed.may_be(headers, now)
        ]
        if not likely:
            raise self._stranger(request, self._ahead(headers, now))
        check_encoding(request)
        raw = await read_body(request, self.parts.limits)
        for _, by in likely:
            if isinstance(by, LearnsKeys):
                says = "the key could not be had: send the delivery again"
                await self._ask(by.learn(headers, raw), says)
        found = [(route, by) for route, by in likely if by.is_theirs(headers, raw, now)]
        if not found:
            raise self._stranger(request)
        route, by = found[0]
        if isinstance(by, ConfirmsSubscriptions):
            says = "the subscription could not be confirmed: ask again"
            await self._ask(by.confirm(raw), says)
        return route, raw

    async def _ask(self, asked: Awaitable[None], says: str) -> None:
        """Ask the provider for what a delivery needs, not for long.

        Raises:
            Problem: it did not answer, and is to send the delivery again.
        """
        try:
            async with asyncio.timeout(self.parts.limits.learn_within.total_seconds()):
                await asked
        except (RetryLater, TimeoutError) as error:
            _log.warning(
                "webhook.provider_unavailable",
                provider=self.provider,
                error=type(error).__name__,
            )
            raise _come_again(says, error) from error

    async def _take(self, route: WebhookRoute, raw: bytes, number: str) -> int:
        arrivals = arrivals_of(route, raw, number, self.parts.now())
        new = await self._store(arrivals)
        if new:
            self.ringer.ring()
        return new

    def _authenticated(self, given: bytes) -> WebhookRoute | None:
        """The account whose secret this is. Every key is compared, found or not."""
        digest, found = _digest(given), None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key.route
        return found

    def _ahead(self, headers: Mapping[str, str], now: datetime) -> timedelta | None:
        """By how much the head's time is ahead of ours, if it has one."""
        for one in self.signed:
            by = one.signed
            if by is None or not isinstance(by, Stamps):
                continue
            if (ahead := by.ahead(headers, now)) is not None:
                return ahead
        return None

    def _stranger(self, request: Request, ahead: timedelta | None = None) -> Problem:
        """What a stranger is told.

        Args:
            ahead: of a delivery that its head ruled out, see `Stamps`: far from nought
                it says that a clock is off, theirs or ours.
        """
        wait = self.failures.count(request.client.host if request.client else "")
        if wait:
            return Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many requests with a wrong webhook secret or signature",
                headers={"Retry-After": str(wait)},
            )
        clock = {} if ahead is None else {"seconds_ahead": round(ahead.total_seconds())}
        _log.warning("webhook.rejected", provider=self.provider, **clock)
        return Problem(
            HTTPStatus.UNAUTHORIZED,
            "the webhook secret is missing or wrong: register the address anew"
            if self.keys
            else "the webhook's signature is missing, wrong or too old",
        )

    async def _store(self, arrivals: Sequence[Arrival]) -> int:
        """Put every event; answers how many were new, once all are there for good."""
        longest = max(len(arrival.raw) for arrival in arrivals)
        at_once = max(1, _AT_ONCE_BYTES // max(1, longest))
        at_once = min(at_once, _AT_ONCE)
        new = 0
        try:
            async with asyncio.timeout(self.parts.limits.store_within.total_seconds()):
                for start in range(0, len(arrivals), at_once):
                    new += await self._put(arrivals[start : start + at_once])
        except (RetryLater, TimeoutError) as error:
            _log.warning("inbox.unavailable", error=type(error).__name__)
            says = "the delivery could not be stored: send it again"
            raise _come_again(says, error) from error
        return new

    async def _put(self, arrivals: Sequence[Arrival]) -> int:
        """Put them together; one that fails does not keep the others out."""
        put, metrics = self.parts.inbox.put, self.parts.metrics
        results: list[bool | BaseException]
        if len(arrivals) == 1:  # as nearly always; it needs no task of its own
            results = [await put(arrivals[0])]
        else:
            results = await asyncio.gather(*map(put, arrivals), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        news = [
            arrival.type
            for arrival, result in zip(arrivals, results, strict=True)
            if result is True
        ]
        for event_type in news:
            metrics.events.add(event_type)
        if failed:
            if news:
                self.ringer.ring()
            # a defect outranks what will pass by itself
            raise min(failed, key=lambda error: isinstance(error, RetryLater))
        return len(news)


_OUTCOMES: Final = {
    HTTPStatus.UNAUTHORIZED: WebhookOutcome.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS: WebhookOutcome.LIMITED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: WebhookOutcome.TOO_LARGE,
    HTTPStatus.REQUEST_TIMEOUT: WebhookOutcome.TOO_SLOW,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: WebhookOutcome.ENCODED,
    HTTPStatus.SERVICE_UNAVAILABLE: WebhookOutcome.UNAVAILABLE,
}


def _come_again(says: str, error: BaseException) -> Problem:
    wait = getattr(error, "retry_after", None)
    seconds = math.ceil(wait.total_seconds()) if wait else _COME_AGAIN_SECONDS
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, says, headers={"Retry-After": str(seconds)}
    )


def _keys(
    secrets: Sequence[tuple[WebhookRoute, Sequence[Secret]]],
) -> tuple[_Key, ...]:
    keys: dict[bytes, _Key] = {}
    for route, of_route in secrets:
        for secret in filter(None, of_route):
            key = _Key(_digest(secret.reveal.encode()), route)
            if keys.setdefault(key.digest, key).route is not route:
                message = (
                    f"two accounts of {route.provider} have the same webhook secret: "
                    "give each its own"
                )
                raise Misconfigured(message)
    return tuple(keys.values())


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _first_of_each(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers.raw:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found
