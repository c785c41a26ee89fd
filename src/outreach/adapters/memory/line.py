"""The messages that wait in one lane, by window and class, earliest first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import datetime

from attrs import Factory, define

from outreach.domain.ids import IntentId
from outreach.domain.sender import SendClass

__all__ = ["Line"]

_Place = tuple[datetime, IntentId]


@define(eq=False)
class Line:
    """Sorted queues, one per window key and class; heads are found at once."""

    _queues: dict[tuple[str, SendClass], list[_Place]] = Factory(dict)

    def add(
        self, window: str, send_class: SendClass, due: datetime, intent: IntentId
    ) -> None:
        """Put a message in its place."""
        insort(self._queues.setdefault((window, send_class), []), (due, intent))

    def remove(
        self, window: str, send_class: SendClass, due: datetime, intent: IntentId
    ) -> None:
        """Take a message out, which must be there with this due time."""
        queue = self._queues[window, send_class]
        at = bisect_left(queue, (due, intent))
        if queue[at : at + 1] != [(due, intent)]:
            msg = f"message {intent} is not in its line"
            raise LookupError(msg)
        del queue[at]
        if not queue:
            del self._queues[window, send_class]

    def heads(self) -> Iterator[tuple[str, SendClass, datetime, IntentId]]:
        """The first message of every queue."""
        for (window, send_class), queue in self._queues.items():
            yield window, send_class, *queue[0]

    def behind(
        self, window: str, send_class: SendClass, most: int
    ) -> Iterator[IntentId]:
        """The messages after the first of a queue, in order."""
        for _, intent in self._queues[window, send_class][1 : 1 + most]:
            yield intent

    def count(self, send_class: SendClass | None = None) -> int:
        """How many wait, of one class or of all."""
        return sum(
            len(queue)
            for (_, of), queue in self._queues.items()
            if send_class is None or of is send_class
        )
