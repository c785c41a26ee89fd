"""The endpoints of Resend that list, look and change."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.ground import serial_id
from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.resend.hooks import Hook
from outreach.entrypoints.sandbox.resend.shelf import Mail, Suppression
from outreach.entrypoints.sandbox.resend.team import Team
from outreach.entrypoints.sandbox.resend.words import (
    bare,
    missing,
    page,
    read,
    refused,
    when,
    zulu,
)

__all__ = ["Lists"]

_DOMAIN = 3
_MOST_AT_ONCE = 100


class Lists:
    """Endpoints of Starlette."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._since_s = time.time()

    async def mails(self, request: Request) -> Response:
        shown = [mail.shown() for mail in reversed(self._team.shelf.mails.values())]
        return self._page(request, shown)

    async def mail(self, request: Request) -> Response:
        return self._team.trouble.stumble(request) or JSONResponse(
            self._mail(request).shown()
        )

    async def cancel(self, request: Request) -> Response:
        mail = self._mail(request)
        if mail.last_event not in {"scheduled", "canceled"}:
            message = "Only a scheduled email can be canceled."
            raise refused(422, "validation_error", message)
        if mail.last_event == "scheduled":
            self._team.cancel(mail)
        return JSONResponse(mail.shown())

    async def reschedule(self, request: Request) -> Response:
        mail, body = self._mail(request), await _object(request)
        at_s = when(body.get("scheduled_at"))
        if at_s is None or mail.last_event != "scheduled":
            message = "`scheduled_at` must be a time, and the email still scheduled."
            raise refused(422, "validation_error", message)
        self._team.reschedule(mail, at_s)
        return JSONResponse({"object": "email", "id": mail.id})

    async def received(self, request: Request) -> Response:
        every = reversed(self._team.shelf.received.values())
        return self._page(request, [one.listed() for one in every])

    async def received_one(self, request: Request) -> Response:
        one = self._team.shelf.received.get(request.path_params["id"])
        if one is None:
            message = "Email"
            raise missing(message)
        return self._team.trouble.stumble(request) or JSONResponse(one.shown())

    async def domains(self, request: Request) -> Response:
        return self._page(request, [self._domain(n) for n in self._names()])

    async def domain(self, request: Request) -> Response:
        for number in self._names():
            if (shown := self._domain(number))["id"] == request.path_params["id"]:
                return JSONResponse({"object": "domain", **shown, "records": []})
        message = "Domain"
        raise missing(message)

    async def suppressions(self, request: Request) -> Response:
        origin = request.query_params.get("origin")
        every = reversed(self._team.shelf.suppressions.values())
        shown = [one.shown() for one in every if origin in {None, one.origin}]
        return self._page(request, shown)

    async def suppress(self, request: Request) -> Response:
        body = await _object(request)
        one = self._suppressed(body.get("email"))
        return JSONResponse({"object": "suppression", "id": one.id}, 201)

    async def suppress_many(self, request: Request) -> Response:
        body = await _object(request)
        emails = body.get("emails")
        if not isinstance(emails, list) or not 1 <= len(emails) <= _MOST_AT_ONCE:
            message = f"`emails` must be a list of 1 to {_MOST_AT_ONCE} addresses."
            raise refused(422, "validation_error", message)
        ids = [self._suppressed(email).id for email in emails]
        data = [{"object": "suppression", "id": one} for one in ids]
        return JSONResponse({"data": data}, 201)

    async def suppression(self, request: Request) -> Response:
        one = self._suppression(request)
        return JSONResponse({"object": "suppression", **one.shown()})

    async def unsuppress(self, request: Request) -> Response:
        one = self._suppression(request)
        self._team.unsuppress(one)
        return JSONResponse({"object": "suppression", "id": one.id, "deleted": True})

    async def hooks(self, request: Request) -> Response:
        every = reversed(self._team.hooks.live.values())
        return self._page(request, [hook.shown() for hook in every])

    async def register(self, request: Request) -> Response:
        hook = self._team.hooks.register(await read(request))
        answer = {
            "object": "webhook",
            "id": hook.id,
            "signing_secret": hook.signing_secret,
        }
        return JSONResponse(answer, 201)

    async def hook(self, request: Request) -> Response:
        hook = self._hook(request)
        secret = {"signing_secret": hook.signing_secret}
        return JSONResponse({"object": "webhook", **hook.shown(), **secret})

    async def change_hook(self, request: Request) -> Response:
        hook = self._hook(request)
        self._team.hooks.change(hook, await read(request))
        return JSONResponse({"object": "webhook", "id": hook.id})

    async def delete_hook(self, request: Request) -> Response:
        hook = self._hook(request)
        self._team.hooks.delete(hook)
        return JSONResponse({"object": "webhook", "id": hook.id, "deleted": True})

    def _page(self, request: Request, shown: list[Json]) -> Response:
        stumbled = self._team.trouble.stumble(request)
        return stumbled or JSONResponse(page(request.query_params, shown))

    def _names(self) -> range:
        return range(len(self._team.shelf.domains))

    def _domain(self, number: int) -> Json:
        return {
            "id": serial_id(_DOMAIN, number + 1),
            "name": self._team.shelf.domains[number],
            "status": "verified",
            "created_at": zulu(self._since_s),
            "region": "eu-west-1",
            "open_tracking": True,
            "click_tracking": False,
            "capabilities": {"sending": "enabled", "receiving": "enabled"},
        }

    def _mail(self, request: Request) -> Mail:
        mail = self._team.shelf.mails.get(request.path_params["id"])
        if mail is None:
            message = "Email"
            raise missing(message)
        return mail

    def _hook(self, request: Request) -> Hook:
        hook = self._team.hooks.live.get(request.path_params["id"])
        if hook is None:
            message = "Webhook"
            raise missing(message)
        return hook

    def _suppressed(self, typed: object) -> Suppression:
        email = bare(typed)
        if email is None:
            message = "`email` must be an address."
            raise refused(422, "validation_error", message)
        return self._team.suppress(email, "manual", None)

    def _suppression(self, request: Request) -> Suppression:
        one = self._team.shelf.suppression(request.path_params["id"])
        if one is None:
            message = "Suppression"
            raise missing(message)
        return one


async def _object(request: Request) -> Json:
    body = await read(request)
    if not isinstance(body, dict):
        message = "The request body must be an object."
        raise refused(422, "validation_error", message)
    return body
