"""The mail of a world's end as the judge reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from outreach.testing.judge import Record, armed_of
from outreach.testing.judge_mail import Asked, MailRecord
from outreach.testing.simulation.place import (
    CAMPAIGNS,
    addresses_of,
    boxes_of,
    numbers_of,
)
from outreach.testing.simulation.world import World

__all__ = ["mail_record", "people_of", "returned_of"]


def returned_of(world: World) -> dict[str, datetime]:
    """Mails that came back, by the providers' own record."""
    return {} if world.mail is None else dict(world.mail.readers.returned)


def people_of(world: World) -> dict[str, str]:
    """Who has which number and address, as they were imported."""
    addresses = addresses_of(world.weather)
    numbers = numbers_of(world.weather)
    owners = {to: f"row {n}" for n, to in addresses.items()}
    if addresses:
        owners |= {to: f"row {n}" for n, to in enumerate(numbers)}
    return owners


def mail_record(world: World, record: Record) -> MailRecord:
    """What the judge of mail is told.

    Raises:
        ValueError: it is a world of phones alone.
    """
    mail = world.mail
    if mail is None:
        message = f"world {world.weather.seed} has no mail"
        raise ValueError(message)
    store = world.parts.store
    wrote = {record.person(to): at for to, at in _earliest(world)}
    return MailRecord(
        record=record,
        armed=armed_of(record),
        warm=frozenset(boxes_of(mail.mail).values()),
        wrote=wrote,
        passed=tuple(mail.campaigner.passed),
        opened=tuple(world.parts.opened),
        asked=list(_asked(world)),
        told=frozenset(_told(world)),
        now=store.machine,
    )


def _earliest(world: World) -> Iterator[tuple[str, datetime]]:
    """Latest first, so that the first time of a person stays."""
    wrote = world.post.wrote
    yield from sorted(wrote.items(), key=lambda one: one[1], reverse=True)


def _asked(world: World) -> Iterator[Asked]:
    """Stops of the provider of campaigns; the other one holds nothing back."""
    mail, store = world.mail, world.parts.store
    if mail is None:
        return
    account = mail.account(CAMPAIGNS)
    told = {one.about for one in world.parts.alerts.told}
    for row in store.stops.values():
        if row.account != account:
            continue
        alerted = str(row.id) in told
        world.seen["people told of a stop"] += alerted
        yield Asked(
            id=str(row.id),
            kind=str(row.kind),
            on=row.at,
            confirmed=row.confirmed_at is not None,
            heard=(row.kind, str(row.about)) in mail.campaigner.heard,
            alerted=alerted,
        )


def _told(world: World) -> Iterator[str]:
    parts = world.parts
    campaigns = {str(one.id): str(one.campaign) for one in parts.store.hosted.values()}
    for alert in parts.alerts.told:
        about = parts.stops_of.get(alert.about)
        if about is not None and alert.kind == "stop.unconfirmed":
            yield campaigns.get(about, about)
