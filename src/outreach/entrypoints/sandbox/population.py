"""The people behind the numbers: they get our messages, and some of them answer."""

from __future__ import annotations

import functools
import hashlib
import time
from typing import Final

import attrs

from outreach.entrypoints.sandbox.agenda import Agenda
from outreach.entrypoints.sandbox.fate import (
    Circumstances,
    Fate,
    Reaction,
    Utterance,
)
from outreach.entrypoints.sandbox.faults import REPLIES, Certain
from outreach.entrypoints.sandbox.journal import Journal, Json, iso
from outreach.entrypoints.sandbox.memory import Memory
from outreach.entrypoints.sandbox.phrases import AUTOMATIC, ReplyKind
from outreach.entrypoints.sandbox.postman import Postman
from outreach.entrypoints.sandbox.wire import Scribe
from outreach.entrypoints.sandbox.world import Account, Chat, Message, World, uid_of

__all__ = ["Order", "Population"]

_GROUP: Final = "Fermierii din zonă"
_BY_HAND: Final = "Bună ziua, vă sun eu imediat."


@attrs.frozen(kw_only=True)
class Order:
    """A send that is accepted. `asked` is the account that was asked for."""

    kind: str  # "send-to-phone" or "send-to-chat"
    account: Account
    asked: str
    to: str
    text: str
    arrival: int
    answer: str  # "ok" or "lost"
    chat: Chat | None = None


@attrs.frozen
class _Turn:
    """Something said under this uid, in answer to ours or unasked."""

    utterance: Utterance
    uid: str
    to_uid: str = ""
    is_turn: bool = False


@attrs.define(kw_only=True, eq=False)
class Population:
    """Accepts messages, lives through their fates, and tells the postman."""

    _seed: int
    _world: World
    _memory: Memory
    _journal: Journal
    _agenda: Agenda
    _postman: Postman
    _scribe: Scribe
    _certain: Certain

    def accept(self, order: Order) -> Message:
        """Write the acceptance down, then let its fate begin."""
        now_s = time.time()
        world, account = self._world, order.account
        person = world.person(order.to)
        chat = order.chat or world.chat_between(account, order.to)
        forced = None
        if person.ordinal == 0:
            forced = self._certain.due(REPLIES, len(world.people))
        ordinal = person.ordinal + 1
        about = Circumstances(order.to, ordinal, person.turns, person.stopped, forced)
        line: Json = {
            "n": world.accepted + 1,
            "wire": "timelinesai",
            "at": iso(now_s),
            "mono": time.monotonic(),
            "from": account.phone,
            "asked": order.asked,
            "to": order.to,
            "chat_id": world.new_chat_id() if chat is None else chat.id,
            "message_uid": uid_of(self._seed, "out", account.phone, order.to, ordinal),
            "text": order.text,
            "sha256": hashlib.sha256(order.text.encode()).hexdigest(),
            "kind": order.kind,
            "answer": order.answer,
            "arrival": order.arrival,
            "ordinal": about.ordinal,
            "turns": about.turns,
            "stopped": about.stopped,
            "forced": about.forced,
        }
        self._journal.accept(line)
        message = self._memory.accepted(line)
        if chat is None:
            self._tell_chat("chat:outgoing:new", message.chat)
        self._live(message)
        return message

    def say(self, account: Account, phone: str, text: str) -> Message:
        """Let a person write unasked: for tests and demonstrations."""
        utterance = Utterance(ReplyKind.NEUTRAL, "", text, 0)
        uid = uid_of(self._seed, "unasked", len(self._world.messages))
        return self._speak(account, phone, _Turn(utterance, uid))

    def write_by_hand(
        self, account: Account, phone: str, text: str, *, after: str = ""
    ) -> Message:
        """Let whoever holds the phone write to someone, past the API.

        `after` is the uid of the message whose answer made them write.
        """
        chat = self._world.chat_between(account, phone)
        place = after or len(self._world.messages)
        line: Json = {
            "message_uid": uid_of(self._seed, "by hand", place),
            "chat_id": self._world.new_chat_id() if chat is None else chat.id,
            "account": account.phone,
            "to": phone,
            "text": text,
            "after": after,
        }
        message = self._memory.written_by_hand(self._journal.note("human", **line))
        self._tell_message("message:sent:new", message)
        return message

    def connect(self, account: Account, status: str) -> None:
        """Change the state of an account ("active", "disconnected") and tell it."""
        if account.status == status:
            return
        account.status = status
        if status == "active":
            account.disconnected_at_s = None
            event_type = "whatsapp:account:connected"
        else:
            account.disconnected_at_s = time.time()
            event_type = "whatsapp:account:disconnected"
        self._journal.note("account", account=account.phone, status=status)
        body = self._scribe.account_event(event_type, account)
        self._tell(body, f"{account.phone} {time.time_ns()}")

    def go_on(self) -> None:
        """Plan what the restored messages have still before them."""
        for message in list(self._world.messages.values()):
            self._live(message)

    def _live(self, message: Message) -> None:
        fate, lived = message.fate, self._memory.lived
        if fate is None:
            return
        age_s = self._scribe.age(message, time.time())
        if fate.sent_s is not None and f"sent {message.uid}" not in lived:
            self._agenda.after(fate.sent_s - age_s, lambda: self._echo(message))
        reaction = fate.reaction
        if reaction is not None and f"reaction {message.uid}" not in lived:
            self._agenda.after(
                reaction.delay_s - age_s, lambda: self._react(message, reaction)
            )
        if fate.takeover_s is not None and f"by hand {message.uid}" not in lived:
            self._agenda.after(
                fate.takeover_s - age_s, lambda: self._take_over(message)
            )
        self._plan_answers(message, fate, age_s)

    def _plan_answers(self, message: Message, fate: Fate, age_s: float) -> None:
        account, phone = message.chat.account, message.recipient
        for place, utterance in enumerate(fate.utterances):
            uid = uid_of(self._seed, "in", message.uid, place)
            if uid in self._memory.lived:
                continue
            is_turn = place == 0 and utterance.kind not in AUTOMATIC
            turn = _Turn(utterance, uid, message.uid, is_turn)
            self._agenda.after(
                utterance.delay_s - age_s,
                functools.partial(self._speak, account, phone, turn),
            )

    def _speak(self, account: Account, phone: str, turn: _Turn) -> Message:
        utterance = turn.utterance
        group = f"{_GROUP} {account.phone[-4:]}" if utterance.in_group else ""
        chat = self._world.chat_between(account, "" if group else phone, group)
        line: Json = {
            "reply": utterance.kind,
            "language": utterance.language,
            "message_uid": turn.uid,
            "in_reply_to": turn.to_uid,
            "chat_id": self._world.new_chat_id() if chat is None else chat.id,
            "account": account.phone,
            "from": phone,
            "text": utterance.text,
            "media": utterance.media.filename if utterance.media else None,
            "group": group,
            "turn": turn.is_turn,
        }
        message = self._memory.said(self._journal.note("reply", **line))
        if chat is None and not group:
            self._tell_chat("chat:incoming:new", message.chat)
        self._tell_message("message:received:new", message)
        return message

    def _echo(self, message: Message) -> None:
        self._journal.note("sent", message_uid=message.uid)
        self._tell_message("message:sent:new", message)

    def _react(self, message: Message, reaction: Reaction) -> None:
        self._journal.note(
            "reaction",
            message_uid=message.uid,
            emoji=reaction.emoji,
            account=message.chat.account.phone,
            **{"from": message.recipient},
        )
        body = self._scribe.reaction_event(message, reaction.emoji, time.time())
        self._tell(body, message.uid)

    def _take_over(self, message: Message) -> None:
        self.write_by_hand(
            message.chat.account, message.recipient, _BY_HAND, after=message.uid
        )

    def _tell_message(self, event_type: str, message: Message) -> None:
        for name in ("message:new", event_type):
            if self._postman.is_wanted(name):
                self._tell(self._scribe.message_event(name, message), message.uid)

    def _tell_chat(self, event_type: str, chat: Chat) -> None:
        for name in ("chat:new", event_type):
            self._tell(self._scribe.chat_event(name, chat), str(chat.id))

    def _tell(self, body: Json, key: str) -> None:
        recipients = len(self._world.people)
        self._postman.post(body, key=key, at_s=time.time(), recipients=recipients)
