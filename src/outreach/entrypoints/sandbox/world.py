"""The vendor's memory: accounts, chats, messages, and the people behind numbers."""

from __future__ import annotations

import re
import uuid
from typing import Final

import attrs

from outreach.entrypoints.sandbox.fate import Fate
from outreach.entrypoints.sandbox.phrases import Media

__all__ = ["Account", "Chat", "Message", "Person", "World", "clean_phone", "uid_of"]

_FIRST_CHAT_ID: Final = 1_000_001
_NAMESPACE: Final = uuid.UUID("6f1c54a5-2f52-4e0f-9b4d-9a7a6c1e5d11")
_PUNCTUATION: Final = re.compile(r"[\s().\-/]")
_INTERNATIONAL: Final = re.compile(r"\+[1-9]\d{7,14}")
_BARE_DIGITS: Final = re.compile(r"[1-9]\d{9,14}")


def clean_phone(typed: object) -> str | None:
    """Give the international form of a number as typed, or None if it is none."""
    if not isinstance(typed, str):
        return None
    phone = _PUNCTUATION.sub("", typed)
    if phone.startswith("00"):
        phone = f"+{phone[2:]}"
    elif _BARE_DIGITS.fullmatch(phone):
        phone = f"+{phone}"
    return phone if _INTERNATIONAL.fullmatch(phone) else None


def uid_of(*parts: object) -> str:
    """Give a message uid that depends on nothing but what it is made of."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, parts))))


@attrs.define
class Account:
    """One connected WhatsApp number. `accepted` counts sends since the start."""

    phone: str
    connected_at_s: float
    status: str = "active"
    disconnected_at_s: float | None = None
    accepted: int = 0

    @property
    def jid(self) -> str:
        return f"{self.phone.removeprefix('+')}@s.whatsapp.net"


@attrs.define(eq=False)
class Message:
    """One message of a chat; `fate` belongs to those accepted from the API."""

    uid: str
    chat: Chat = attrs.field(repr=False)
    at_s: float
    from_me: bool
    text: str
    sender: str
    recipient: str
    origin: str
    media: Media | None = None
    fate: Fate | None = None


@attrs.define(eq=False)
class Chat:
    """A conversation of one account; `contact` is "" for a group."""

    id: int
    account: Account
    contact: str
    created_at_s: float
    group: str = ""
    messages: list[Message] = attrs.field(factory=list, repr=False)

    @property
    def name(self) -> str:
        return self.group or self.contact

    @property
    def jid(self) -> str:
        if self.group:
            return f"{120_363_000_000_000_000 + self.id}@g.us"
        return f"{self.contact.removeprefix('+')}@s.whatsapp.net"


@attrs.define
class Person:
    """What the person behind a number or an address has met so far, over all wires.

    `arrivals` counts requests to send here, `ordinal` the accepted ones, `turns`
    the messages of ours that were answered by hand.
    """

    arrivals: int = 0
    ordinal: int = 0
    turns: int = 0
    stopped: bool = False


class World:
    """Look-ups over all of it. Nothing here does input or output."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[str, Message] = {}
        self.people: dict[str, Person] = {}
        self.accepted = 0
        self._next_chat_id = _FIRST_CHAT_ID
        self._by_pair: dict[tuple[str, str, str], Chat] = {}

    def person(self, phone: str) -> Person:
        return self.people.setdefault(phone, Person())

    def acquaint(self, typed: str, address: str) -> None:
        """Learn that a number and an address are of one person.

        What either met before stays with it: only who is new to us is joined.
        """
        phone = clean_phone(typed)
        if phone is not None and address not in self.people:
            self.people[address] = self.person(phone)

    def account(self, phone: str, at_s: float) -> Account:
        """Give the account of a number; a new one connects at `at_s`."""
        return self.accounts.setdefault(phone, Account(phone, at_s))

    def newest_account(self) -> Account | None:
        """Give the active account that connected last, as the vendor does."""
        active = [a for a in self.accounts.values() if a.status == "active"]
        return max(active, key=lambda account: account.connected_at_s, default=None)

    def new_chat_id(self) -> int:
        return self._next_chat_id

    def chat_between(
        self, account: Account, contact: str, group: str = ""
    ) -> Chat | None:
        return self._by_pair.get((account.phone, contact, group))

    def open_chat(
        self,
        account: Account,
        contact: str,
        *,
        at_s: float,
        group: str = "",
        chat_id: int,
    ) -> Chat:
        self._next_chat_id = max(self._next_chat_id, chat_id + 1)
        chat = Chat(chat_id, account, contact, at_s, group)
        self.chats[chat.id] = chat
        self._by_pair[account.phone, contact, group] = chat
        return chat

    def add(self, message: Message) -> Message:
        self.messages[message.uid] = message
        message.chat.messages.append(message)
        return message
