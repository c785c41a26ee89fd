"""Whether the process lives, whether it can work, and what it has counted."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import structlog
from attrs import define, field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outreach.entrypoints.metrics import CONTENT_TYPE
from outreach.entrypoints.web.errors import Problem
from outreach.entrypoints.web.parts import WebParts

__all__ = ["Health"]

_log = structlog.get_logger(__name__)


@define(eq=False)
class Health:
    """The three paths that machines ask.

    They need no secret and show none; a proxy should keep ``/metrics`` and
    ``/readyz`` from the public all the same.
    """

    parts: WebParts
    _round: asyncio.Task[tuple[str, ...]] | None = field(default=None, init=False)

    def routes(self) -> list[Route]:
        """As `create_app` mounts them."""
        return [
            Route("/healthz", self.alive, name="healthz"),
            Route("/readyz", self.ready, name="readyz"),
            Route("/metrics", self.metrics, name="metrics"),
        ]

    async def alive(self, _: Request) -> Response:
        """200 as long as anything is answered at all."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """200, or 503 with the names of the probes that failed."""
        # Whoever asks meanwhile shares the answer: asking often costs no more.
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._ask_all(), name="readyz")
        failed = await asyncio.shield(self._round)
        if failed:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"not ready: {', '.join(failed)}",
                details={"failed": list(failed)},
            )
        return JSONResponse({"status": "ready", "checks": sorted(self.parts.probes)})

    async def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        if self.parts.gauges is not None:
            await self.parts.gauges.refresh()
        return Response(self.parts.metrics.exposition(), media_type=CONTENT_TYPE)

    async def _ask_all(self) -> tuple[str, ...]:
        names = sorted(self.parts.probes)
        results = await asyncio.gather(*map(self._ask, names))
        return tuple(
            name for name, is_well in zip(names, results, strict=True) if not is_well
        )

    async def _ask(self, name: str) -> bool:
        within = self.parts.limits.probe_within.total_seconds()
        probe = asyncio.ensure_future(self.parts.probes[name]())
        # not wait_for: a probe that will not be cancelled must not hold the answer up
        await asyncio.wait({probe}, timeout=within)
        if not probe.done():
            probe.add_done_callback(_heard)
            probe.cancel()
            _log.warning("probe.failed", probe=name, error="no answer in time")
            return False
        error = None if probe.cancelled() else probe.exception()
        if error is not None or probe.cancelled():
            _log.warning("probe.failed", probe=name, error=type(error).__name__)
            return False
        return True


def _heard(probe: asyncio.Future[None]) -> None:
    """Nobody waits for it any more; the loop would complain."""
    if not probe.cancelled():
        probe.exception()
