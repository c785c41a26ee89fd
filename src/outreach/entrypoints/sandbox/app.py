"""The routes of the sandbox as one ASGI application."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from http import HTTPStatus
from typing import Final

import attrs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from outreach.entrypoints.sandbox.answers import Refused, ok, read_json, refuse
from outreach.entrypoints.sandbox.behaviour import BadBehaviour
from outreach.entrypoints.sandbox.gate import Gate
from outreach.entrypoints.sandbox.instantly.campaigns import (
    STATUSES as CAMPAIGN_STATUSES,
)
from outreach.entrypoints.sandbox.instantly.routes import PATH as INSTANTLY_PATH
from outreach.entrypoints.sandbox.instantly.routes import create_instantly
from outreach.entrypoints.sandbox.instantly.store import (
    STATUSES as ACCOUNT_STATUSES,
)
from outreach.entrypoints.sandbox.reading import Reading
from outreach.entrypoints.sandbox.resend.routes import PATH as RESEND_PATH
from outreach.entrypoints.sandbox.resend.routes import create_resend
from outreach.entrypoints.sandbox.sending import Sending
from outreach.entrypoints.sandbox.subscriptions import BadWebhook, Subscription
from outreach.entrypoints.sandbox.vendor import Vendor
from outreach.entrypoints.sandbox.wire import NOT_FOUND_PAGE, error
from outreach.entrypoints.sandbox.world import Account, clean_phone

__all__ = ["API_PATH", "CONTROL_PATH", "create_app"]

API_PATH: Final = "/integrations/api"
CONTROL_PATH: Final = "/_sandbox"

_STATUSES: Final = ("active", "disconnected")


def create_app(vendor: Vendor) -> ASGIApp:
    """Build the application: the vendor's API, media, and a control plane."""
    sending, reading = Sending(vendor), Reading(vendor)
    hooks, control = _Webhooks(vendor), _Control(vendor)
    api = [
        Route("/messages", sending.to_phone, methods=["POST"]),
        Route("/messages/{message_uid}", reading.message),
        Route("/messages/{message_uid}/status_history", reading.status_history),
        Route("/chats", reading.chats),
        Route("/chats/{chat_id:int}", reading.chat),
        Route("/chats/{chat_id:int}/messages", reading.history),
        Route("/chats/{chat_id:int}/messages", sending.to_chat, methods=["POST"]),
        Route("/whatsapp_accounts", reading.accounts),
        Route("/workspace", reading.workspace),
        Route("/webhooks", hooks.listed),
        Route("/webhooks", hooks.register, methods=["POST"]),
        Route("/webhooks/{webhook_id}", hooks.shown),
        Route("/webhooks/{webhook_id}", hooks.update, methods=["PUT"]),
        Route("/webhooks/{webhook_id}", hooks.delete, methods=["DELETE"]),
    ]
    controls = [
        Route("/say", control.say, methods=["POST"]),
        Route("/write-by-hand", control.write_by_hand, methods=["POST"]),
        Route("/account", control.account, methods=["POST"]),
        Route("/behaviour", control.behaviour, methods=["POST"]),
        Route("/campaign", control.campaign, methods=["POST"]),
        Route("/mailbox", control.mailbox, methods=["POST"]),
        Route("/clock", control.clock, methods=["POST"]),
        Route("/state", control.state),
    ]
    app = Starlette(
        routes=[
            Mount(API_PATH, Gate(_plain(api), vendor)),
            Mount(RESEND_PATH, create_resend(vendor.resend)),
            Mount(INSTANTLY_PATH, create_instantly(vendor.instantly)),
            Mount(CONTROL_PATH, Gate(_plain(controls), vendor)),
            Route("/media/{message_uid}", reading.media),
        ],
        exception_handlers={Refused: refuse, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    return app


def _plain(routes: list[Route]) -> Router:
    return Router(routes, redirect_slashes=False)


async def _http_error(_: Request, problem: Exception) -> Response:
    """Answer as the vendor: an HTML page for an unknown path, else JSON."""
    if not isinstance(problem, HTTPException):
        raise problem
    if problem.status_code == HTTPStatus.NOT_FOUND:
        return HTMLResponse(NOT_FOUND_PAGE, 404)
    return JSONResponse(error(problem.detail), problem.status_code)


class _Webhooks:
    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def listed(self, _: Request) -> Response:
        return ok([one.shown() for one in self._vendor.subscriptions.live()])

    async def shown(self, request: Request) -> Response:
        return ok(self._found(request).shown())

    async def register(self, request: Request) -> Response:
        body = await read_json(request)
        try:
            one = self._vendor.subscriptions.register(body)
        except BadWebhook as bad:
            raise Refused.bad(bad.message, bad.field) from bad
        return self._changed(one)

    async def update(self, request: Request) -> Response:
        one, body = self._found(request), await read_json(request)
        try:
            self._vendor.subscriptions.update(one, body)
        except BadWebhook as bad:
            raise Refused.bad(bad.message, bad.field) from bad
        return self._changed(one)

    async def delete(self, request: Request) -> Response:
        one = self._found(request)
        one.deleted = True
        return self._changed(one)

    def _found(self, request: Request) -> Subscription:
        webhook_id = request.path_params["webhook_id"]
        one = self._vendor.subscriptions.find(webhook_id)
        if one is None:
            message = f'Webhook "{webhook_id}" not found'
            raise Refused.missing(message)
        return one

    def _changed(self, one: Subscription) -> Response:
        self._vendor.save()
        self._vendor.postman.open()
        return ok(one.shown())


class _Control:
    """What no vendor offers: hands to move the world, for tests."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def say(self, request: Request) -> Response:
        body = await read_json(request)
        account = self._account(body)
        message = self._vendor.population.say(
            account, _phone(body, "phone"), _word(body, "text")
        )
        return ok({"message_uid": message.uid, "chat_id": message.chat.id})

    async def write_by_hand(self, request: Request) -> Response:
        body = await read_json(request)
        account = self._account(body)
        message = self._vendor.population.write_by_hand(
            account, _phone(body, "phone"), _word(body, "text")
        )
        return ok({"message_uid": message.uid, "chat_id": message.chat.id})

    async def account(self, request: Request) -> Response:
        body = await read_json(request)
        account = self._account(body)
        status = _word(body, "status")
        if status not in _STATUSES:
            message = f"status: one of {', '.join(_STATUSES)}, not {status!r}"
            raise Refused.bad(message, "status")
        self._vendor.population.connect(account, status)
        self._vendor.save()
        return ok(attrs.asdict(account))

    async def behaviour(self, request: Request) -> Response:
        try:
            changed = self._vendor.behaviour.changed(await read_json(request))
        except BadBehaviour as bad:
            raise Refused.bad(str(bad)) from bad
        self._vendor.behaviour = changed
        return ok(attrs.asdict(changed))

    async def campaign(self, request: Request) -> Response:
        """Give a campaign of Instantly a status of the vendor's own, such as -2."""
        body = await read_json(request)
        workspace = self._vendor.instantly
        campaign = workspace.store.campaigns.get(_word(body, "id"))
        if campaign is None:
            message = f"no campaign {body['id']}"
            raise Refused.missing(message)
        workspace.change(campaign, {}, _number(body, "status", CAMPAIGN_STATUSES))
        return ok(campaign.shown())

    async def mailbox(self, request: Request) -> Response:
        """Give a mailbox of Instantly a status, such as -1: it cannot connect."""
        body = await read_json(request)
        workspace = self._vendor.instantly
        account = workspace.store.accounts.get(_word(body, "email").lower())
        if account is None:
            message = f"no mailbox {body['email']}"
            raise Refused.missing(message)
        workspace.set_account(account, _number(body, "status", ACCOUNT_STATUSES))
        return ok({"email": account.email, "status": account.status})

    async def clock(self, request: Request) -> Response:
        """Take the engine's time, which a scaled run may hold back."""
        typed = (await read_json(request)).get("engine_time")
        try:
            at = dt.datetime.fromisoformat(str(typed))
        except ValueError as bad:
            message = "engine_time: not an ISO 8601 time"
            raise Refused.bad(message, "engine_time") from bad
        if at.tzinfo is None:
            message = "engine_time: has no offset"
            raise Refused.bad(message, "engine_time")
        self._vendor.clock.set(at.timestamp())
        self._vendor.instantly.scheduler.look_again()
        self._vendor.save()
        return ok({"engine_time": self._vendor.clock.now().isoformat()})

    async def state(self, _: Request) -> Response:
        """Say how much is still to come, and what has happened."""
        agenda = self._vendor.agenda
        return ok(
            {
                "accepted": self._vendor.world.accepted,
                "engine_time": self._vendor.clock.now().isoformat(),
                "waiting": agenda.waiting,
                "delivering": agenda.running,
                "happened": dict(self._vendor.certain.happened),
            }
        )

    def _account(self, body: dict[str, object]) -> Account:
        phone = _phone(body, "account")
        account = self._vendor.world.accounts.get(phone)
        if account is None:
            message = f"no account {phone}"
            raise Refused.missing(message)
        return account


def _phone(body: dict[str, object], field: str) -> str:
    phone = clean_phone(body.get(field))
    if phone is None:
        message = f"{field}: not an international number"
        raise Refused.bad(message, field)
    return phone


def _word(body: dict[str, object], field: str) -> str:
    word = body.get(field)
    if not isinstance(word, str):
        message = f"{field}: must be a text"
        raise Refused.bad(message, field)
    return word


def _number(body: dict[str, object], field: str, allowed: Container[int]) -> int:
    number = body.get(field)
    if not isinstance(number, int) or number not in allowed:
        message = f"{field}: one of {allowed}, not {number!r}"
        raise Refused.bad(message, field)
    return number
