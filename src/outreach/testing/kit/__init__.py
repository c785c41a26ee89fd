"""The conformance kit: one suite that proves any adapter, ours or yours.

From a shell::

    pytest --outreach-adapter package.module:factory

and from Python::

    report = await prove(factory())

Both run every promise of every ability that the adapter has, say which one is broken,
and end with a table of what it can do. `outreach.testing.kit.wire` is a provider for
adapters that speak HTTP: the author says how it answers, the kit what goes wrong.
"""

from __future__ import annotations

from outreach.testing.kit.promises import Promise, claims, promises
from outreach.testing.kit.proving import Kept, Report, prove
from outreach.testing.kit.subject import Adapter, load
from outreach.testing.kit.wire import HttpBench, Wire, over_http

__all__ = [
    "Adapter",
    "HttpBench",
    "Kept",
    "Promise",
    "Report",
    "Wire",
    "claims",
    "load",
    "over_http",
    "promises",
    "prove",
]
