"""The plans of all statements inside our SQL functions, as they were carried out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from attrs import define, field
from tests.adapters.postgres_load import as_admin

__all__ = ["Plans", "watched"]

Node = Mapping[str, Any]


@define
class Plans:
    """What ran since `clear`; a session of the worker role, under row security."""

    session: psycopg.Connection
    found: list[Mapping[str, Any]] = field(factory=list)

    def run(self, query: str, *arguments: Any) -> list[Any]:
        """First column of all rows; the plans of everything inside are kept."""
        self.found.clear()
        rows = self.session.execute(query.encode(), arguments).fetchall()
        return [row[0] for row in rows]

    def of(self, words: str) -> Node:
        """The one plan of the statements that contain these words."""
        plans = [one for one in self.found if words in " ".join(one["text"].split())]
        if not plans:
            message = f"nothing was run that contains {words!r}"
            raise LookupError(message)
        plan: Node = plans[-1]["plan"]
        return plan

    def nodes(self) -> Iterator[Node]:
        """Every node of every plan."""
        for one in self.found:
            yield from nodes(one["plan"])

    def touched(self) -> int:
        """Rows that the busiest node of all plans looked at."""
        return max(
            int(
                (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
                * node["Actual Loops"]
            )
            for node in self.nodes()
        )

    def keep(self, text: str) -> None:
        """Take in one line of the server's log."""
        _, brace, rest = text.partition("{")
        if brace:
            logged = json.loads(brace + rest)
            self.found.append({"text": logged["Query Text"], "plan": logged["Plan"]})


def nodes(plan: Node) -> Iterator[Node]:
    """A plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@contextmanager
def watched(url: str) -> Iterator[Plans]:
    """A session in which the server tells its plans, nested statements included."""
    with as_admin(url) as session:
        plans = Plans(session)
        session.add_notice_handler(lambda said: plans.keep(said.message_primary or ""))
        session.execute(
            """
            LOAD 'auto_explain';
            SET auto_explain.log_min_duration = 0;
            SET auto_explain.log_nested_statements = on;
            SET auto_explain.log_format = json;
            SET auto_explain.log_level = notice;
            SET auto_explain.log_analyze = on;
            SET auto_explain.log_timing = off;
            SET jit = off;
            SET search_path = outreach;
            SET ROLE outreach_worker
            """
        )
        yield plans
