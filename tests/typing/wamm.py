"""Read by mypy only: the adapter of Wamm fits what it claims."""

from __future__ import annotations

from outreach.adapters.wamm import WammGateway, WammReader
from outreach.ports.gateway import Gateway, Reads
from outreach.ports.incoming import Keeps


def sends(one: WammGateway) -> Gateway:
    return one


def takes_in(one: WammReader) -> tuple[Reads, Keeps]:
    return one, one
