"""The vendor's one request that we make, without I/O.

Everything goes into the query of a GET: our token, the recipient and the text. So the
path of a request is never shown, logged or raised about; whoever puts a proxy in
between must not log it either.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from outreach.adapters._http import HttpRequest
from outreach.domain.message import NotAccepted, Parcel, Refusal, Refused
from outreach.domain.sender import SenderSignal

__all__ = ["send_request"]

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_INSTANCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def send_request(
    parcel: Parcel, access_token: str
) -> HttpRequest | Refused | NotAccepted:
    """Write a send, or say why the vendor would not take it.

    It is sent at once: the vendor can also send later, and what it was given for later
    cannot be taken back.
    """
    if _INSTANCE.fullmatch(parcel.sender_ref) is None:
        return NotAccepted(
            lane=True,
            detail="no instance of the phone is known: give account_ref in the file "
            "of senders",
            signal=SenderSignal.DISCONNECTED,
        )
    if not parcel.text.strip() or "\x00" in parcel.text:
        return Refused(Refusal.REJECTED, "the text is empty or has a NUL character")
    if _NUMBER.fullmatch(parcel.to) is None:
        return Refused(Refusal.INVALID_RECIPIENT, "no phone number")
    named = {
        "number": parcel.to.removeprefix("+"),
        "type": "text",
        "message": parcel.text,
        "instance_id": parcel.sender_ref,
        "access_token": access_token,
    }
    try:
        query = urlencode(named, quote_via=quote, safe="")
    except UnicodeEncodeError:
        return Refused(Refusal.REJECTED, "the text is not valid Unicode")
    return HttpRequest("GET", f"/send?{query}")
