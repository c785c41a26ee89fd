"""Resend's two ways to send, and its memory of idempotency keys."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.answers import Refused
from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.resend.shelf import as_list
from outreach.entrypoints.sandbox.resend.team import Order, Team
from outreach.entrypoints.sandbox.resend.words import bare, read, refused, when

__all__ = ["Sending"]

_REMEMBERED_S: Final = 24 * 3600
_MOST_RECIPIENTS: Final = 50
_MOST_IN_A_BATCH: Final = 100
_LONGEST_KEY: Final = 256
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_NOT_IN_A_BATCH: Final = ("attachments", "scheduled_at")


class Sending:
    """Endpoints of Starlette. A mail is accepted before its answer begins."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._under_way: set[str] = set()

    async def one(self, request: Request) -> Response:
        body = await read(request)
        _check(body, self._team)
        return await self._send(request, "emails", body, [body])

    async def batch(self, request: Request) -> Response:
        body = await read(request)
        if not isinstance(body, list) or not 1 <= len(body) <= _MOST_IN_A_BATCH:
            message = f"A batch is a list of 1 to {_MOST_IN_A_BATCH} emails."
            raise refused(422, "validation_error", message)
        mode = request.headers.get("x-batch-validation", "strict")
        good: list[Json] = []
        errors = []
        for index, item in enumerate(body):
            try:
                _check(item, self._team, in_a_batch=True)
            except Refused as bad:
                if mode != "permissive":
                    raise
                errors.append({"index": index, "message": bad.body["message"]})
            else:
                good.append(item)
        extra = {"errors": errors} if mode == "permissive" else {}
        return await self._send(request, "batch", body, good, extra)

    async def _send(
        self,
        request: Request,
        kind: str,
        body: Any,
        mails: list[Json],
        extra: Json | None = None,
    ) -> Response:
        key = _idempotency_key(request)
        if key and key in self._under_way:
            message = "A request with the same idempotency key is still under way."
            raise refused(409, "concurrent_idempotent_requests", message)
        written = json.dumps([kind, body], sort_keys=True, ensure_ascii=False)
        request_hash = hashlib.sha256(written.encode()).hexdigest()
        whom = key or (bare(as_list(mails[0]["to"])[0]) if mails else "") or ""

        def accept(answer: str, arrival: int) -> Response:
            try:
                ids = self._known(key, request_hash)
            except Refused as bad:
                return JSONResponse(bad.body, bad.status)
            if ids is None:
                ids = [
                    self._team.accept(
                        Order(
                            kind=kind,
                            request=mail,
                            request_hash=request_hash,
                            idempotency_key=key,
                            key=whom,
                            arrival=arrival,
                            answer=answer,
                            scheduled_s=when(mail.get("scheduled_at")),
                        )
                    ).id
                    for mail in mails
                ]
            if kind == "emails":
                return JSONResponse({"id": ids[0]})
            return JSONResponse({"data": [{"id": one} for one in ids], **(extra or {})})

        if key:
            self._under_way.add(key)
        try:
            return await self._team.trouble.meet(request, whom, accept)
        finally:
            self._under_way.discard(key)

    def _known(self, key: str, request_hash: str) -> list[str] | None:
        """Give what the first request of this key made. Raises Refused for another."""
        known = self._team.shelf.keys.get(key) if key else None
        if known is None or time.time() - known["at_s"] > _REMEMBERED_S:
            return None
        if known["hash"] != request_hash:
            message = (
                "This idempotency key was already used with a different request body."
            )
            raise refused(409, "invalid_idempotent_request", message)
        ids: list[str] = known["ids"]
        return ids


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not 1 <= len(key) <= _LONGEST_KEY:
        message = f"The idempotency key must be 1 to {_LONGEST_KEY} characters long."
        raise refused(400, "invalid_idempotency_key", message)
    return key


def _check(mail: Any, team: Team, *, in_a_batch: bool = False) -> None:
    if not isinstance(mail, dict):
        message = "The email must be an object."
        raise refused(422, "validation_error", message)
    for field in ("from", "to", "subject"):
        if not mail.get(field):
            raise refused(422, "missing_required_field", f"Missing `{field}` field.")
    _check_words(mail)
    if bare(mail["from"]) is None:
        message = (
            "Invalid `from` field. The email address needs to follow the "
            "`email@example.com` or `Name <email@example.com>` format."
        )
        raise refused(422, "invalid_from_address", message)
    _check_recipients(mail)
    _check_tags(mail.get("tags", []))
    if in_a_batch and (named := [name for name in _NOT_IN_A_BATCH if name in mail]):
        raise _invalid(named[0], "is not supported in a batch")
    if not team.is_verified(mail["from"]):
        domain = str(bare(mail["from"])).rpartition("@")[2]
        message = f"The {domain} domain is not verified. Please, add and verify it."
        raise refused(403, "validation_error", message)


def _check_words(mail: Json) -> None:
    if not (mail.get("html") or mail.get("text")):
        message = "Missing `html` or `text` field."
        raise refused(422, "missing_required_field", message)
    for field in ("from", "subject", "html", "text", "scheduled_at"):
        if not isinstance(mail.get(field, ""), str):
            raise _invalid(field, "must be a string")
    headers = mail.get("headers") or {}
    if not isinstance(headers, dict) or not all(
        isinstance(value, str) for value in headers.values()
    ):
        message = "headers"
        raise _invalid(message, "must be an object of strings")
    if "scheduled_at" in mail and when(mail["scheduled_at"]) is None:
        message = "scheduled_at"
        raise _invalid(message, "must be an ISO 8601 time with its offset")


def _check_recipients(mail: Json) -> None:
    for field in ("to", "cc", "bcc", "reply_to"):
        value = mail.get(field)
        if not isinstance(value, str | list | None):
            raise _invalid(field, "must be an address or a list of addresses")
        if any(bare(one) is None for one in as_list(value)):
            raise _invalid(field, "has an address that is none")
    if len(as_list(mail["to"])) > _MOST_RECIPIENTS:
        message = "to"
        raise _invalid(message, f"may have at most {_MOST_RECIPIENTS} addresses")


def _check_tags(tags: object) -> None:
    if not isinstance(tags, list):
        message = "tags"
        raise _invalid(message, "must be a list")
    for tag in tags:
        words = [tag.get("name"), tag.get("value")] if isinstance(tag, dict) else [None]
        if not all(isinstance(word, str) and _TAG.fullmatch(word) for word in words):
            message = (
                "has a tag with other characters than ASCII letters, numbers, "
                "underscores, or dashes"
            )
            message = "tags"
            raise _invalid(message, message)


def _invalid(field: str, why: str) -> Refused:
    return refused(422, "validation_error", f"The `{field}` field {why}.")
