"""The network that stands before every vendor, and turns some away unseen."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from outreach.entrypoints.sandbox.answers import CONNECTION
from outreach.entrypoints.sandbox.behaviour import Behaviour

__all__ = ["is_blocked_at_edge"]


def is_blocked_at_edge(scope: Scope, knobs: Behaviour) -> bool:
    """Say whether the network before a vendor turns a request away."""
    if Headers(scope=scope).get("user-agent", "").startswith("Python-urllib"):
        return True
    most = knobs.requests_per_connection
    connection = scope.get("extensions", {}).get(CONNECTION, {"served": 0})
    return bool(most) and connection["served"] > most
