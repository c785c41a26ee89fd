"""Webhooks posted by hand: each event one to ten times, all shuffled.

The poster is a provider that does not give up: a delivery is repeated until it is
answered 2xx, so that whatever is missing afterwards was answered and lost.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

__all__ = ["Deliveries", "Event", "replies", "shuffled"]

_WORDS: Final = (
    "Ce preț aveți la depozitare?",
    "Da, sunt interesat, sunați-mă.",
    "Mulțumesc, nu acum.",
    "Cine sunteți?",
)
_PATIENCE_S: Final = 120.0
_AGAIN_S: Final = 0.1
_AT_ONCE: Final = 4


@frozen
class Event:
    """One event of the provider, as its body."""

    key: str
    body: bytes = field(repr=False)


def replies(
    count: int, *, numbers: Sequence[str], phone: str, seed: int
) -> list[Event]:
    """So many replies of these people to a phone, each with its own id."""
    rng = Random(f"replies {seed}")
    made = []
    for place in range(count):
        number, uid = rng.choice(numbers), f"chaos-{seed}-{place}"
        body: dict[str, Any] = {
            "event_type": "message:received:new",
            "chat": {"chat_id": 9_000_000 + place, "is_group": False, "phone": number},
            "whatsapp_account": {"phone": phone},
            "message": {
                "text": rng.choice(_WORDS),
                "direction": "received",
                "timestamp": "2026-03-03 12:45:00 +0200",
                "message_uid": uid,
                "sender": {"full_name": number, "phone": number},
                "recipient": {"full_name": phone, "phone": phone},
            },
        }
        made.append(Event(f"message:received:new:{uid}", json.dumps(body).encode()))
    return made


def shuffled(
    events: Sequence[Event], *, least: int, most: int, seed: int
) -> list[Event]:
    """Each event *least* to *most* times, in any order."""
    rng = Random(f"shuffled {seed}")
    copies = [event for event in events for _ in range(rng.randint(least, most))]
    rng.shuffle(copies)
    return copies


@define(eq=False)
class Deliveries:
    """A poster beside the test.

    Attributes:
        pause_s: of each of the lines that post, after a delivery.
        answered: deliveries that were answered 2xx.
        refused: tries that were not.
    """

    port: int
    path: str
    pause_s: float = 0.1
    answered: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def post_all(self, events: Sequence[Event]) -> None:
        """Return when each has been answered 2xx."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for one in [pool.submit(self._deliver, event) for event in events]:
                one.result()

    def _deliver(self, event: Event) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not self._try(event.body):
            with self._lock:
                self.refused += 1
            assert time.monotonic() < end, "the web app does not come back"
            time.sleep(_AGAIN_S)
        with self._lock:
            self.answered += 1
        time.sleep(self.pause_s)

    def _try(self, body: bytes) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("POST", self.path, body, {"content-type": "application/json"})
            return line.getresponse().status in range(200, 300)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()
