"""The endpoints that look: chats, messages, accounts, the workspace."""

from __future__ import annotations

import collections
import datetime as dt
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from outreach.entrypoints.sandbox.answers import Refused, ok
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.vendor import Vendor
from outreach.entrypoints.sandbox.wire import error
from outreach.entrypoints.sandbox.world import Chat, Message

__all__ = ["Reading"]

_Test = Callable[[Chat], bool]

_PAGE: Final = 50
_NOT_DIGITS: Final = re.compile(r"[^\d+]")
_SPACE_BEFORE_OFFSET: Final = re.compile(r" (?=[+-]\d{2}:?\d{2}$)")


class Reading:
    """Endpoints of Starlette."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._looks: collections.Counter[str] = collections.Counter()

    async def message(self, request: Request) -> Response:
        message = self._message(request.path_params["message_uid"])
        self._stumble(request)
        return ok(self._vendor.scribe.message(message, time.time()))

    async def status_history(self, request: Request) -> Response:
        message = self._message(request.path_params["message_uid"])
        self._stumble(request)
        return ok(self._vendor.scribe.status_history(message, time.time()))

    async def chats(self, request: Request) -> Response:
        self._stumble(request)
        found = list(self._vendor.world.chats.values())
        for name in request.query_params:
            found = list(filter(self._test(request, name), found))
        found.sort(key=lambda chat: chat.name)
        found.sort(key=_last_s, reverse=True)
        start = (_page(request) - 1) * _PAGE
        shown = found[start : start + _PAGE]
        scribe, now_s = self._vendor.scribe, time.time()
        infos = [scribe.chat(chat) for chat in shown]
        if _flag(request, "with_msg"):
            for chat, info in zip(shown, infos, strict=True):
                if chat.messages:
                    info["last_message"] = scribe.message(chat.messages[-1], now_s)
        more = len(found) > start + _PAGE
        return ok({"has_more_pages": more, "chats": infos})

    async def chat(self, request: Request) -> Response:
        chat = self._chat(request)
        self._stumble(request)
        return ok(self._vendor.scribe.chat(chat))

    async def history(self, request: Request) -> Response:
        chat = self._chat(request)
        self._stumble(request)
        found = list(chat.messages)
        found.sort(key=lambda message: message.at_s)
        query = request.query_params
        if "after_message" in query:
            found = found[found.index(self._of(chat, query["after_message"])) + 1 :]
        if "before_message" in query:
            found = found[: found.index(self._of(chat, query["before_message"]))]
        if "from_me" in query:
            mine = _flag(request, "from_me")
            found = [message for message in found if message.from_me is mine]
        if "after" in query:
            after_s = self._moment(request, "after")
            found = [message for message in found if message.at_s >= after_s]
        if "before" in query:
            before_s = self._moment(request, "before")
            found = [message for message in found if int(message.at_s) <= before_s]
        if query.get("sorting_order", "desc") == "desc":
            found.reverse()
        now_s = time.time()
        infos = [self._vendor.scribe.message(one, now_s) for one in found[:_PAGE]]
        return ok({"has_more_pages": len(found) > _PAGE, "messages": infos})

    async def accounts(self, _: Request) -> Response:
        accounts = self._vendor.world.accounts.values()
        shown = [self._vendor.scribe.account(account) for account in accounts]
        return ok({"whatsapp_accounts": shown})

    async def workspace(self, _: Request) -> Response:
        return ok(
            self._vendor.scribe.workspace(
                quota=self._vendor.behaviour.messaging_quota,
                sent=self._vendor.world.accepted,
                calls=self._vendor.calls,
            )
        )

    async def media(self, request: Request) -> Response:
        message = self._message(request.path_params["message_uid"])
        if message.media is None:
            why = "File not found"
            raise Refused.missing(why)
        return Response(message.media.content, media_type=message.media.mimetype)

    def _stumble(self, request: Request) -> None:
        """Be unavailable now and then."""
        path = request.url.path
        self._looks[path] += 1
        draw = Draw.about(self._vendor.seed, "look", path, self._looks[path])
        if draw.happens("unavailable", self._vendor.behaviour.read_unavailable):
            self._vendor.journal.note("503", of="read", path=path)
            raise Refused(503, error("Service temporarily unavailable"))

    def _message(self, uid: str) -> Message:
        message = self._vendor.world.messages.get(uid)
        if message is None:
            why = f'Message uid "{uid}" not found'
            raise Refused.missing(why)
        return message

    def _of(self, chat: Chat, uid: str) -> Message:
        message = self._message(uid)
        if message.chat is not chat:
            why = f'Message uid "{uid}" not found'
            raise Refused.missing(why)
        return message

    def _chat(self, request: Request) -> Chat:
        chat_id = request.path_params["chat_id"]
        chat = self._vendor.world.chats.get(chat_id)
        if chat is None:
            why = f'Chat "{chat_id}" not found'
            raise Refused.missing(why)
        return chat

    def _test(self, request: Request, name: str) -> _Test:
        """Give what a query parameter asks of a chat; an unknown one asks nothing."""
        value = request.query_params[name]
        if name in {"created_after", "created_before"}:
            edge_s = self._moment(request, name)
            if name == "created_after":
                return lambda chat: chat.created_at_s >= edge_s
            return lambda chat: int(chat.created_at_s) <= edge_s
        if name in _FLAGS:
            flag = _flag(request, name)
            return lambda chat: _FLAGS[name](chat) is flag
        by_text = _TEXTS.get(name)
        return _anything if by_text is None else lambda chat: by_text(chat, value)

    def _moment(self, request: Request, name: str) -> float:
        """Read a date or time as ISO or the vendor writes it, else refuse."""
        text = _SPACE_BEFORE_OFFSET.sub("", request.query_params[name])
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError as bad:
            message = f"{name}: not a valid datetime"
            raise Refused.bad(message, name) from bad
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._vendor.scribe.zone)
        return moment.timestamp()


def _anything(_: Chat) -> bool:
    return True


def _last_s(chat: Chat) -> float:
    return chat.messages[-1].at_s if chat.messages else chat.created_at_s


def _has_phone(chat: Chat, typed: str) -> bool:
    """Match exactly with a '+', else as a part, as the vendor does."""
    phone = _NOT_DIGITS.sub("", typed)
    if phone.startswith("00"):
        phone = f"+{phone[2:]}"
    if phone.startswith("+"):
        return chat.contact == phone
    part = phone.lstrip("0")
    return bool(part) and part in chat.contact


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        message = f"{name}: not a valid boolean"
        raise Refused.bad(message, name)
    return value in {"true", "1"}


def _page(request: Request) -> int:
    value = request.query_params.get("page", "1")
    if not value.isdecimal() or not int(value):
        message = "page: not a valid page number"
        raise Refused.bad(message, "page")
    return int(value)


# No chat of ours is closed, labelled, assigned or left unread.
_FLAGS: Final[Mapping[str, _Test]] = {
    "group": lambda chat: bool(chat.group),
    "read": lambda _: True,
    "closed": lambda _: False,
    "chatgpt_autoresponse_enabled": lambda _: False,
}
_TEXTS: Final[Mapping[str, Callable[[Chat, str], bool]]] = {
    "phone": _has_phone,
    "whatsapp_phone": lambda c, text: any(_has_phone(c, t) for t in text.split(",")),
    "whatsapp_account_id": lambda chat, text: chat.account.jid in text.split(","),
    "name": lambda c, text: any(t.lower() in c.name.lower() for t in text.split(",")),
    "label": lambda _, text: not text,
    "responsible": lambda _, text: not text,
}
