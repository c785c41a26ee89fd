"""Takes the lines of the logs into the world, as they happen and after a restart.

A line holds all that is needed: the process that writes it and the one that
reads it again come to the same world.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.fate import Circumstances, foretell
from outreach.entrypoints.sandbox.faults import FAULTS, Certain
from outreach.entrypoints.sandbox.journal import Json, moment
from outreach.entrypoints.sandbox.phrases import MEDIA, ReplyKind
from outreach.entrypoints.sandbox.world import Chat, Message, World

__all__ = ["Memory"]

_STOPPING: Final = frozenset({ReplyKind.STOP.value, ReplyKind.POLITE_OPT_OUT.value})
_IN_TIME_ENGINE_S: Final = 2 * 3600.0
_FROM_PHONE: Final = "synced from WhatsApp"
_MEDIA_BY_NAME: Final = {media.filename: media for media in MEDIA}


class Memory:
    """The only writer of messages and people. `lived` names what has happened."""

    def __init__(
        self,
        *,
        seed: int,
        behaviour: Callable[[], Behaviour],
        world: World,
        certain: Certain,
    ) -> None:
        self.lived: set[str] = set()
        self._seed = seed
        self._behaviour = behaviour
        self._world = world
        self._certain = certain

    def recall(self, line: Json) -> None:
        """Take a line of the events log after a restart."""
        match line["kind"]:
            case "reply":
                self.said(line)
            case "human":
                self.written_by_hand(line)
            case "sent" | "reaction" as kind:
                self.lived.add(f"{kind} {line['message_uid']}")
            case "webhook_due":
                for copy in line["copies"]:
                    self._certain.note(copy["kind"])
            case kind if kind in FAULTS and line["of"] == "send":
                self._certain.note(kind)
        if "arrival" in line:
            person = self._world.person(line["to"])
            person.arrivals = max(person.arrivals, line["arrival"])

    def accepted(self, line: Json) -> Message:
        """Take a line of the acceptance log."""
        chat = self._chat(line, account=line["from"], contact=line["to"])
        chat.account.accepted += 1
        self._world.accepted = line["n"]
        person = self._world.person(line["to"])
        person.ordinal = line["ordinal"]
        person.arrivals = max(person.arrivals, line["arrival"])
        about = Circumstances(
            line["to"], line["ordinal"], line["turns"], line["stopped"], line["forced"]
        )
        fate = foretell(self._seed, self._behaviour(), about)
        for utterance in fate.utterances:
            if utterance.delay_s <= _IN_TIME_ENGINE_S:
                self._certain.note(utterance.kind)
        return self._world.add(
            Message(
                uid=line["message_uid"],
                chat=chat,
                at_s=moment(line["at"]),
                from_me=True,
                text=line["text"],
                sender=chat.account.phone,
                recipient=line["to"],
                origin="Public API",
                fate=fate,
            )
        )

    def said(self, line: Json) -> Message:
        """Take what a person wrote."""
        self.lived.add(line["message_uid"])
        person = self._world.person(line["from"])
        person.turns += line["turn"]
        person.stopped = person.stopped or line["reply"] in _STOPPING
        contact = "" if line["group"] else line["from"]
        return self._world.add(
            Message(
                uid=line["message_uid"],
                chat=self._chat(line, account=line["account"], contact=contact),
                at_s=moment(line["at"]),
                from_me=False,
                text=line["text"],
                sender=line["from"],
                recipient=line["account"],
                origin=_FROM_PHONE,
                media=_MEDIA_BY_NAME.get(line["media"]),
            )
        )

    def written_by_hand(self, line: Json) -> Message:
        """Take what someone wrote on the phone itself, past the API."""
        self.lived.add(f"by hand {line['after']}")
        return self._world.add(
            Message(
                uid=line["message_uid"],
                chat=self._chat(line, account=line["account"], contact=line["to"]),
                at_s=moment(line["at"]),
                from_me=True,
                text=line["text"],
                sender=line["account"],
                recipient=line["to"],
                origin=_FROM_PHONE,
            )
        )

    def _chat(self, line: Json, *, account: str, contact: str) -> Chat:
        at_s = moment(line["at"])
        if line["chat_id"] in self._world.chats:
            return self._world.chats[line["chat_id"]]
        return self._world.open_chat(
            self._world.account(account, at_s),
            contact,
            at_s=at_s,
            group=line.get("group", ""),
            chat_id=line["chat_id"],
        )
