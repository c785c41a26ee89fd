"""The two ways to send, with what can go wrong on the way."""

from __future__ import annotations

import asyncio
import hashlib

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from outreach.entrypoints.sandbox.answers import (
    Refused,
    hang_up,
    ok,
    read_json,
    wait_until_gone,
)
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.faults import FAULTS, Fault, fault_of
from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.population import Order
from outreach.entrypoints.sandbox.vendor import Vendor
from outreach.entrypoints.sandbox.wire import FORBIDDEN_PAGE, error
from outreach.entrypoints.sandbox.world import Account, Message, clean_phone

__all__ = ["Sending"]

_LONGEST_TEXT = 2000
_NO_ACCOUNT = "No connected WhatsApp account"


class Sending:
    """Endpoints of Starlette. A message is accepted before its answer begins."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def to_phone(self, request: Request) -> Response:
        body = await self._read(request)
        typed = body.get("phone", "")
        to = clean_phone(typed)
        if to is None:
            raise self._wrong_phone(typed)
        account, asked = self._account(body)
        person = Draw.about(self._vendor.seed, "person", to)
        if person.happens("wrong number", self._vendor.behaviour.wrong_number):
            raise self._wrong_phone(typed)
        order = Order(
            kind="send-to-phone",
            account=account,
            asked=asked,
            to=to,
            text=_text(body),
            arrival=self._arrival(to),
            answer="ok",
        )
        return await self._send(request, order)

    async def to_chat(self, request: Request) -> Response:
        body = await self._read(request)
        chat_id = request.path_params["chat_id"]
        chat = self._vendor.world.chats.get(chat_id)
        if chat is None:
            message = f'Chat "{chat_id}" not found'
            raise Refused.missing(message)
        if chat.account.status != "active":
            raise self._refused(_NO_ACCOUNT, phone=chat.account.phone)
        to = chat.contact or chat.jid
        order = Order(
            kind="send-to-chat",
            account=chat.account,
            asked=chat.account.phone,
            to=to,
            text=_text(body),
            arrival=self._arrival(to),
            answer="ok",
            chat=chat,
        )
        return await self._send(request, order)

    async def _read(self, request: Request) -> Json:
        body = await read_json(request)
        if body.get("file_uid"):
            message = f'File uid "{body["file_uid"]}" not found'
            raise Refused.missing(message)
        _text(body)
        return body

    def _account(self, body: Json) -> tuple[Account, str]:
        """Give the account that sends, and the number that was asked for."""
        world = self._vendor.world
        typed = body.get("whatsapp_account_phone")
        if typed is None:
            newest = world.newest_account()
            if newest is None:
                raise self._refused(_NO_ACCOUNT, phone="")
            return newest, ""
        phone = clean_phone(typed)
        if phone is None:
            raise self._wrong_phone(typed)
        if phone not in world.accounts and self._vendor.learns_accounts:
            self._vendor.learn(phone)
        account = world.accounts.get(phone)
        if account is None or account.status != "active":
            raise self._refused(_NO_ACCOUNT, phone=phone)
        return account, phone

    def _arrival(self, to: str) -> int:
        person = self._vendor.world.person(to)
        person.arrivals += 1
        return person.arrivals

    async def _send(self, request: Request, order: Order) -> Response:
        vendor, knobs = self._vendor, self._vendor.behaviour
        if vendor.world.accepted >= knobs.messaging_quota:
            body = error("Message quota exceeded", code="quota_exceeded")
            raise Refused(403, body)
        fault = fault_of(vendor.seed, knobs, order.to, order.arrival)
        recipients = len(vendor.world.people)
        if order.arrival == 1 and (due := vendor.certain.due(FAULTS, recipients)):
            fault = Fault(due)
        if fault is not None:
            vendor.certain.note(fault)
            vendor.journal.note(
                fault,
                of="send",
                account=order.account.phone,
                to=order.to,
                arrival=order.arrival,
                sha256=hashlib.sha256(order.text.encode()).hexdigest(),
            )
        match fault:
            case None:
                return _sent(self._accept(order))
            case Fault.RATE_LIMITED:
                body = error("Rate limit exceeded", code="rate_limit_exceeded")
                wait = {"retry-after": str(knobs.retry_after_s)}
                return JSONResponse(body, 429, headers=wait)
            case Fault.UNAVAILABLE:
                return JSONResponse(error("Service temporarily unavailable"), 503)
            case Fault.EDGE_REFUSED:
                return HTMLResponse(FORBIDDEN_PAGE, 403)
        return await self._disturbed(request, order, fault)

    async def _disturbed(
        self, request: Request, order: Order, fault: Fault
    ) -> Response:
        """Handle the faults that concern the connection."""
        knobs = self._vendor.behaviour
        draw = Draw.about(self._vendor.seed, "line", order.to, order.arrival)
        if fault is Fault.SLOW:
            message = self._accept(order)
            await asyncio.sleep(draw.between("slow", 0, knobs.slow_longest_s))
            return _sent(message)
        if fault is not Fault.LOST_BEFORE:
            self._accept(attrs.evolve(order, answer="lost"))
        if fault is Fault.STALLED:
            try:
                await asyncio.wait_for(wait_until_gone(request), knobs.stall_s)
            except TimeoutError:
                pass
            else:
                return Response()
        is_reset = draw.happens("reset", knobs.torn_by_reset)
        return await hang_up(request, reset=is_reset)

    def _accept(self, order: Order) -> Message:
        vendor, knobs = self._vendor, self._vendor.behaviour
        draw = Draw.about(vendor.seed, "sender", order.to, order.arrival)
        if order.chat is None and draw.happens("wrong", knobs.wrong_sender):
            others = [
                account
                for account in vendor.world.accounts.values()
                if account is not order.account
            ]
            if others:
                order = attrs.evolve(order, account=others[-1])
        message = vendor.population.accept(order)
        vendor.postman.open()
        account = message.chat.account
        if account.accepted == knobs.disconnected_after:
            vendor.population.connect(account, "disconnected")
            vendor.save()
        return message

    def _wrong_phone(self, typed: object) -> Refused:
        message = f'Wrong phone number "{typed}"'
        return self._refused(message, phone=typed)

    def _refused(self, message: str, *, phone: object) -> Refused:
        self._vendor.journal.note("400", of="send", phone=phone, message=message)
        return Refused.bad(message)


def _text(body: Json) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not text:
        message = "Message must have a text or a file"
        raise Refused.bad(message, "text")
    if len(text) > _LONGEST_TEXT:
        message = f"Longer than maximum length {_LONGEST_TEXT}."
        raise Refused.bad(message, "text")
    return text


def _sent(message: Message) -> Response:
    return ok({"message_uid": message.uid})
