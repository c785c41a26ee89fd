"""DKIM signatures (RFC 6376) of the mail of our own domains, by dkimpy."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from outreach.domain.errors import Misconfigured

__all__ = ["UNSIGNED", "Signer", "load_keys"]

SIGNED: Final = (
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references"),
    *("list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type"),
    "content-transfer-encoding",
)
"""What RFC 6376 (5.4.1) and RFC 8058 (4) ask to be covered."""
_ONCE_MORE: Final = ("from", "subject", "to")
"""Named once more than they are there, so that a second one breaks the signature."""
_LEAST_BITS: Final = 1_024
"""RFC 8301; 2,048 is better, and what ``docs/`` asks for."""


@frozen
class Key:
    """A domain's private key.

    Attributes:
        pem: PKCS 1, as dkimpy reads it.
        public: as its DNS record must have it after ``p=``.
    """

    pem: bytes = field(repr=False)
    public: str


@frozen
class Signer:
    """Signs the mail of the domains that it has keys of.

    Attributes:
        selectors: of the DNS records, the first signs.
        keys: by domain, in lower case.
    """

    selectors: tuple[str, ...] = ()
    keys: Mapping[str, Key] = field(factory=dict, repr=False)

    def sign(self, raw: bytes, domain: str) -> bytes:
        """*raw* with a signature in front; as it is if there is no key of *domain*.

        About 8 ms with a key of 2,048 bits (measured): dkimpy counts in Python.
        """
        key = self.keys.get(domain)
        if key is None or not self.selectors:
            return raw
        signature: bytes = import_module("dkim").sign(
            raw,
            self.selectors[0].encode(),
            domain.encode(),
            key.pem,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name.encode() for name in (*SIGNED, *_ONCE_MORE)],
        )
        return signature + raw


UNSIGNED: Final = Signer()


def load_keys(folder: Path) -> dict[str, Key]:
    """Read ``DOMAIN.pem`` of each domain: an RSA private key without a password.

    Raises:
        Misconfigured: there is no such folder, no key in it, or one cannot be used;
            nothing of a key is in the message.
    """
    try:
        paths = sorted(folder.glob("*.pem"))
        found = {path.stem.lower(): _key(path) for path in paths}
    except OSError as error:
        message = f"DKIM keys in {folder} cannot be read: {error.strerror}"
        raise Misconfigured(message) from error
    if not found:
        message = f"there is no DKIM key in {folder}: name each DOMAIN.pem"
        raise Misconfigured(message)
    return found


def _key(path: Path) -> Key:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        message = f"{path} is no PEM of a private key without a password"
        raise Misconfigured(message) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        message = f"{path} is no RSA key of at least {_LEAST_BITS} bits"
        raise Misconfigured(message)
    pem = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    public = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return Key(pem, base64.b64encode(public).decode("ascii"))
