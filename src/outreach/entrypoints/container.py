"""The one place that knows every adapter.

Clients are built synchronously here, and opened and closed by the entry point that
owns them (`outreach.entrypoints.engine`).
"""

from __future__ import annotations

import random
from collections.abc import Container as Accounts
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from dependency_injector import containers, providers

from outreach.adapters.imap import PROVIDER as OWN_MAIL
from outreach.adapters.imap import MailReader
from outreach.adapters.postgres.accounts import PostgresAccounts
from outreach.adapters.postgres.audit import PostgresAudit
from outreach.adapters.postgres.campaigns import PostgresCampaigns
from outreach.adapters.postgres.clock import PostgresClock
from outreach.adapters.postgres.consents import PostgresConsents
from outreach.adapters.postgres.decisions import PostgresDecisions
from outreach.adapters.postgres.duties import PostgresDuties
from outreach.adapters.postgres.hosting import PostgresHostedCampaigns
from outreach.adapters.postgres.inbox import PostgresInbox
from outreach.adapters.postgres.incidents import PostgresIncidents
from outreach.adapters.postgres.instance import PostgresInstance
from outreach.adapters.postgres.intents import PostgresIntents
from outreach.adapters.postgres.intros import PostgresIntros
from outreach.adapters.postgres.journeys import PostgresJourneys
from outreach.adapters.postgres.lanes import PostgresAllocations, PostgresLanes
from outreach.adapters.postgres.leads import PostgresLeads
from outreach.adapters.postgres.past import PostgresHistory
from outreach.adapters.postgres.places import PostgresPlaces
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.reviews import PostgresReviews
from outreach.adapters.postgres.senders import PostgresSenders
from outreach.adapters.postgres.stops import PostgresStops
from outreach.adapters.postgres.switches import PostgresSwitches
from outreach.adapters.postgres.watch import PostgresWatch
from outreach.adapters.redis import RedisGuard
from outreach.adapters.redis.client import connect
from outreach.adapters.redis.witness import RedisWitness
from outreach.adapters.rules import RuleAnalyst
from outreach.adapters.system import LibraryCalendar, LogAlerts, uuid7
from outreach.adapters.system.links import SignedLinks
from outreach.adapters.system.witness import FileWitness
from outreach.domain.allocation import Intake
from outreach.domain.ids import AccountId
from outreach.domain.timing import Timing
from outreach.domain.usecases.answer_review import AnswerReview
from outreach.domain.usecases.audit_ledger import AuditLedger
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.check_templates import CheckTemplates
from outreach.domain.usecases.decide_intros import DecideIntros
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.enroll import Enroll
from outreach.domain.usecases.host_campaigns import HostCampaigns
from outreach.domain.usecases.import_leads import ImportLeads
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.usecases.read_mailboxes import ReadMailboxes
from outreach.domain.usecases.replay_events import ReplayEvents
from outreach.domain.usecases.replay_lost import ReplayLost
from outreach.domain.usecases.send_next import SendNext
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.take_back_bounce import TakeBackBounce
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.domain.usecases.watch_breaker import WatchBreaker
from outreach.domain.usecases.watch_health import WatchHealth
from outreach.domain.usecases.watch_instance import WatchInstance
from outreach.domain.usecases.watch_plans import WatchPlans
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.domain.usecases.write_intros import WriteIntros
from outreach.entrypoints import made
from outreach.entrypoints.policy_file import policy_of
from outreach.entrypoints.punctual import Punctual
from outreach.entrypoints.settings import Settings
from outreach.ports.bell import Bell

__all__ = ["Container", "put"]


class Container(containers.DeclarativeContainer):
    """Everything an entry point may ask for.

    ``gateways`` and its kin are by provider account; the engine fills them.
    """

    settings: providers.Dependency[Settings] = providers.Dependency(
        instance_of=Settings
    )
    database_url: providers.Dependency[str] = providers.Dependency(instance_of=str)
    redis_url: providers.Dependency[str] = providers.Dependency(instance_of=str)
    witness_file: providers.Dependency[Path] = providers.Dependency(instance_of=Path)
    gateways: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    bulk: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    lookups: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    bulk_lookups: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    answering: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    unasked: providers.Dependency[Accounts[AccountId]] = providers.Dependency(
        default=()
    )
    polls: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    lists: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    takers: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    repeats: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    hosts: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    fetchers: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    domains: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    replays: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    tells: providers.Dependency[Mapping[AccountId, Any]] = providers.Dependency()
    bell: providers.Dependency[Bell] = providers.Dependency()
    role = providers.Object("outreach_worker")

    timing = providers.Singleton(Timing)
    ids: providers.Object[Any] = providers.Object(uuid7)
    reviewers = providers.Singleton(made.reviewers, settings)
    rng = providers.Singleton(random.SystemRandom)
    calendar = providers.Singleton(LibraryCalendar)
    contacts = providers.Singleton(made.contacts)
    outbox: providers.Object[Any] = providers.Object(None)
    rules = providers.Singleton(RuleAnalyst)
    analyst: providers.Provider[Any] = providers.Singleton(RuleAnalyst)
    drafter: providers.Object[Any] = providers.Object(None)
    intro_writer: providers.Object[Any] = providers.Object(None)
    unattended: providers.Object[Any] = providers.Object(())
    batch: providers.Object[Any] = providers.Object(50)
    readers = providers.Singleton(made.readers)

    database = providers.Singleton(
        Database, database_url, schema=settings.provided.database_schema, role=role
    )
    incidents = providers.Singleton(PostgresIncidents, database)
    alerts = providers.Singleton(LogAlerts, incidents, outbox)
    redis = providers.Singleton(connect, redis_url, timeout=timedelta(seconds=2))
    guard = providers.Singleton(RedisGuard, redis)

    clock = providers.Singleton(PostgresClock, database)
    policy = providers.Singleton(policy_of, settings)
    link_keys: providers.Dependency[tuple[str, ...]] = providers.Dependency(
        instance_of=tuple, default=()
    )
    public = providers.Object("")
    links = providers.Factory(SignedLinks, keys=link_keys, public=public)
    lanes = providers.Singleton(PostgresLanes, database, timing=timing, policy=policy)
    accounts = providers.Singleton(PostgresAccounts, database)
    allocations = providers.Singleton(PostgresAllocations, database)
    intents = providers.Singleton(PostgresIntents, database, timing=timing)
    journeys = providers.Singleton(PostgresJourneys, database)
    inbox = providers.Singleton(PostgresInbox, database, ids=ids, timing=timing)
    duties = providers.Singleton(PostgresDuties, database, timing=timing)
    leads = providers.Singleton(PostgresLeads, database)
    campaigns = providers.Singleton(PostgresCampaigns, database, ids=ids)
    senders = providers.Singleton(PostgresSenders, database, ids=ids)
    switches = providers.Singleton(PostgresSwitches, database)
    stops = providers.Singleton(PostgresStops, database)
    reviews = providers.Singleton(PostgresReviews, database)
    decisions = providers.Singleton(PostgresDecisions, database, policy=policy)
    consents = providers.Singleton(PostgresConsents, database, ids=ids)
    intros = providers.Singleton(PostgresIntros, database, policy=policy)
    audit = providers.Singleton(PostgresAudit, database)
    instance = providers.Singleton(PostgresInstance, database, timing=timing)
    witnesses: providers.Provider[Any] = providers.List(
        providers.Singleton(FileWitness, witness_file),
        providers.Singleton(
            RedisWitness, redis, group=settings.provided.database_schema
        ),
    )
    watch_instance = providers.Factory(
        WatchInstance, instance=instance, witnesses=witnesses, alerts=alerts
    )

    signal = providers.Factory(
        SignalSender, senders=senders, duties=duties, clock=clock, alerts=alerts
    )
    watched = providers.Singleton(PostgresWatch, database)
    watch_senders = providers.Factory(
        WatchSenders,
        watch=watched,
        senders=senders,
        signal=signal,
        alerts=alerts,
        answering=answering,
    )
    send = providers.Factory(
        SendNext,
        lanes=lanes,
        intents=intents,
        guard=guard,
        gateways=gateways,
        bulk=bulk,
        calendar=calendar,
        clock=clock,
        watch=watch_senders,
        reviewers=reviewers,
        rng=rng,
        timing=timing,
        hosts=hosts,
        links=links,
    )
    recover = providers.Factory(Recover, intents=intents)
    look = providers.Factory(
        LookForDoubts,
        intents=intents,
        guard=guard,
        lookups=lookups,
        bulk=bulk_lookups,
        reviewers=reviewers,
        timing=timing,
        repeats=repeats,
    )
    take_in = providers.Factory(
        TakeInEvents,
        inbox=inbox,
        journeys=journeys,
        senders=senders,
        campaigns=campaigns,
        analyst=analyst,
        signal=signal,
        clock=clock,
        alerts=alerts,
        readers=readers,
        reviewers=reviewers,
        fetchers=fetchers,
        drafter=drafter,
        unattended=unattended,
        unasked=unasked,
        batch=batch,
    )
    replay_events = providers.Factory(
        ReplayEvents,
        history=providers.Singleton(PostgresHistory, database),
        readers=readers,
        analyst=rules,
        templates=campaigns.provided.templates,
        reviewers=reviewers,
        unattended=unattended,
    )
    dispatch = providers.Factory(
        Dispatch,
        allocations=allocations,
        intake=providers.Factory(Intake, stop_rate=settings.provided.tenant.stop_rate),
        warm=settings.provided.warm.order,
    )
    audit_ledger = providers.Factory(
        AuditLedger,
        audit=audit,
        intents=intents,
        guard=guard,
        calendar=calendar,
        signal=signal,
        alerts=alerts,
    )
    carry_out_stops = providers.Factory(
        CarryOutStops, stops=stops, takers=takers, accounts=gateways, alerts=alerts
    )
    watch_breaker = providers.Factory(
        WatchBreaker, campaigns=campaigns, switches=switches, alerts=alerts
    )
    hosted = providers.Singleton(PostgresHostedCampaigns, database)
    host_campaigns = providers.Factory(
        HostCampaigns,
        hosted=hosted,
        switches=switches,
        runs=hosts,
        alerts=alerts,
    )
    watch_plans = providers.Factory(
        WatchPlans, accounts=accounts, alerts=alerts, tells=tells
    )
    pick_winner = providers.Factory(
        PickWinner,
        campaigns=campaigns,
        alerts=alerts,
        allowed=settings.provided.tenant.pick_winners,
        measure=settings.provided.tenant.versions_by,
    )
    places = providers.Singleton(PostgresPlaces, database)
    own_mailboxes: providers.Dependency[Any] = providers.Dependency()
    poll_every: providers.Object[Any] = providers.Object(timedelta(minutes=1))
    read_mailboxes = providers.Factory(
        ReadMailboxes,
        mailboxes=own_mailboxes,
        places=places,
        inbox=inbox,
        journeys=journeys,
        senders=senders,
        signal=signal,
        alerts=alerts,
        reader=providers.Singleton(MailReader),
        provider=OWN_MAIL,
        account="default",
        every=poll_every,
        wall=providers.Object(made.wall),
    )
    mailboxes: providers.Object[Any] = providers.Object(None)
    write_intros = providers.Factory(
        WriteIntros,
        intros=intros,
        campaigns=campaigns,
        clock=clock,
        writer=intro_writer,
    )
    do_duties = providers.Factory(
        DoDuties,
        duties=duties,
        dispatch=dispatch,
        audit=audit_ledger,
        journeys=journeys,
        reviews=reviews,
        senders=senders,
        signal=signal,
        watch=watch_senders,
        alerts=alerts,
        stops=carry_out_stops,
        breakers=watch_breaker,
        hosting=host_campaigns,
        winners=pick_winner,
        polls=polls,
        lists=lists,
        domains=domains,
        replay=providers.Factory(
            ReplayLost,
            inbox=inbox,
            places=places,
            readers=readers,
            sources=replays,
            alerts=alerts,
            wall=providers.Object(made.wall),
        ),
        plans=watch_plans,
        mailboxes=mailboxes,
        health=providers.Factory(WatchHealth, accounts=accounts, alerts=alerts),
        introduce=write_intros,
    )
    punctual = providers.Factory(
        Punctual, alerts=alerts, offset=lanes.provided.offset, timing=timing
    )
    import_leads = providers.Factory(ImportLeads, leads=leads, contacts=contacts)
    enroll = providers.Factory(
        Enroll,
        campaigns=campaigns,
        senders=senders,
        tenant_zone=settings.provided.tenant.time_zone,
        enrolment_ids=ids,
        links_in_first=settings.provided.tenant.links_in_first,
        policy=policy,
    )
    check_templates = providers.Factory(
        CheckTemplates,
        minimum=settings.provided.tenant.minimum_variants,
        links_in_first=settings.provided.tenant.links_in_first,
    )
    take_back_bounce = providers.Factory(TakeBackBounce, journeys=journeys)
    decide_intros = providers.Factory(
        DecideIntros, intros=intros, clock=clock, bell=bell
    )
    answer_review = providers.Factory(
        AnswerReview, journeys=journeys, bell=bell, timing=timing
    )


def put(container: Container, made: Mapping[str, Any]) -> None:
    """Have what was made stand in the place of the adapters of these names."""
    container.override_providers(
        **{name: providers.Object(one) for name, one in made.items()}
    )
