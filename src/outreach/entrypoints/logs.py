"""JSON lines on standard error, control characters escaped, no bodies, no secrets."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog

__all__ = ["set_up_logs"]

_NOISY: Final = ("httpx", "httpcore", "arq.worker", "psycopg.pool")


def set_up_logs(*, level: int = logging.INFO, plain: bool = False) -> None:
    """Set up logging for a process of ours; a library user's logging is their own."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if plain:
        renderer = structlog.processors.LogfmtRenderer(key_order=["level", "event"])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
