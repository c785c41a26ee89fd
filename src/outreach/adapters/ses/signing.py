"""Signs requests as AWS asks for it (Signature Version 4), by botocore's own signer.

Only the signer is used: botocore's clients repeat what they send, and a mail that is
sent again is sent twice. The extra ``ses`` brings it.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from attrs import evolve, field, frozen

from outreach.adapters._http import HttpRequest
from outreach.domain.errors import Misconfigured

__all__ = ["Credentials", "Signer", "signer"]

SERVICE: Final = "ses"
_JSON: Final = "application/json"


@frozen
class Credentials:
    """Of one account in one region.

    Attributes:
        session_token: of temporary credentials; else empty.
    """

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    region: str
    session_token: str = field(default="", repr=False)


@frozen
class Signer:
    """The credentials of one account in one region; made by `signer`."""

    base_url: str
    auth: Any = field(repr=False)
    request: Any = field(repr=False)

    def __call__(self, request: HttpRequest) -> HttpRequest:
        """The request with its signature; good for some minutes of machine time."""
        # The type is signed, and is sent with every body by our transport.
        signed = self.request(
            method=request.method,
            url=f"{self.base_url}{request.path}",
            data=request.body or b"",
            headers={} if request.body is None else {"Content-Type": _JSON},
        )
        self.auth.add_auth(signed)
        headers = {
            name.lower(): str(value)
            for name, value in signed.headers.items()
            if name.lower() != "content-type"
        }
        return evolve(request, headers={**request.headers, **headers})


def signer(base_url: str, credentials: Credentials) -> Signer:
    """Make the signer of an account.

    Raises:
        Misconfigured: botocore is not installed, or a part of the credentials is
            missing.
    """
    missing = [
        name
        for name in ("region", "access_key_id", "secret_access_key")
        if not getattr(credentials, name).strip()
    ]
    if missing:
        names = " and ".join(f"OUTREACH_SES_{name.upper()}" for name in missing)
        message = f"ses cannot sign what it sends: set {names}"
        raise Misconfigured(message)
    try:
        auth = importlib.import_module("botocore.auth")
        requests = importlib.import_module("botocore.awsrequest")
        theirs = importlib.import_module("botocore.credentials")
    except ModuleNotFoundError as error:
        message = "Amazon SES needs botocore: install outreach[ses]"
        raise Misconfigured(message) from error
    auth.logger.disabled = True  # it writes session tokens to its debug log
    keys = theirs.Credentials(
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token or None,
    )
    return Signer(
        base_url.rstrip("/"),
        auth.SigV4Auth(keys, SERVICE, credentials.region),
        requests.AWSRequest,
    )
