"""Whether a delivery is Gong's: the signed token in its header, the key in its URL.

Where a connection holds both, both are asked for. https://help.gong.io/docs/create-a-webhook-rule
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.plugins.webhooks.refusal import Refused
from airflow_provider_gong.plugins.webhooks.url import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_gong.plugins.webhooks.credentials import Credentials

LEEWAY_SECONDS = 30
MAX_TOKEN = 8192
ALGORITHMS = ["RS256"]


@dataclass(frozen=True)
class Proof:
    """What a token has said, as far as it is needed after the body has come."""

    body_sha256: str | None = None
    signed: bytes = b""
    """The part of the token that its signature covers: no other text stands for the same signature."""


def verify_sender(
    credentials: Credentials,
    *,
    authorization: str | None,
    url_parts: Iterable[str],
    longest_life: int,
) -> Proof:
    """Return the proof of a delivery, before its body is read.

    :param authorization: the first header of that name.
    :param url_parts: the texts of the URL among which the key may be.
    :param longest_life: seconds that a token may live on, since for so long replays are remembered.
    :raises Refused: when it is not, or no longer, Gong's.
    """
    if credentials.url_key:
        _verify_url_key(credentials.url_key, url_parts)
    if not credentials.public_keys:
        return Proof()
    token = _token(authorization)
    claims = _claims(credentials, token)
    _verify_life(claims, longest_life)
    _verify_url(claims, credentials.public_url)
    return Proof(_body_hash(claims), token.rpartition(".")[0].encode())


def verify_body(proof: Proof, body: bytes) -> None:
    """Compare the body with what the token says of it.

    :raises Refused: when it is another one.
    """
    if proof.body_sha256 is None:
        return
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), proof.body_sha256):
        raise Refused(401, "wrong_body", "The body is not the one that was signed.")


def _verify_url_key(key: str, parts: Iterable[str]) -> None:
    wanted = _digest(key)
    # All parts are compared, so that the time tells nothing about where a match is.
    if not sum([hmac.compare_digest(_digest(part), wanted) for part in parts]):
        raise Refused(401, "wrong_url_key", "The URL lacks the key of this rule.")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _token(authorization: str | None) -> str:
    if not authorization:
        raise Refused(401, "no_token", "The header Authorization with a signed token is missing.")
    if len(authorization) > MAX_TOKEN:
        raise Refused(401, "bad_token", "The header Authorization is longer than any token of Gong's.")
    value = authorization.strip()
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value


def _claims(credentials: Credentials, token: str) -> dict[str, Any]:
    import jwt

    # What else a token of Gong's says is not documented, and must not be our reason to refuse it.
    ignored = dict.fromkeys(("verify_aud", "verify_iss", "verify_sub", "verify_jti"), False)
    options: Any = {"require": ["exp", "webhook_url", "body_sha256"], **ignored}
    for key in credentials.public_keys:
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS, leeway=LEEWAY_SECONDS, options=options)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise Refused(401, "expired", "The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise Refused(401, "not_yet_valid", "The token is not valid yet.") from None
        except jwt.MissingRequiredClaimError as error:
            raise Refused(401, "missing_claim", f"The token lacks the claim {error.claim}.") from None
        except jwt.InvalidAlgorithmError:
            raise Refused(401, "wrong_algorithm", "The token is not signed with RS256.") from None
        # A hostile token may also break what the library is made of.
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise Refused(
                401, "bad_token", "The header Authorization holds no token that can be read."
            ) from None
    raise Refused(401, "wrong_signature", "The token is not signed with a key of this rule.")


def _verify_life(claims: dict[str, Any], longest: int) -> None:
    expiry = claims["exp"]
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        raise Refused(401, "bad_token", "The claim exp is not a number.")
    if expiry > time.time() + longest:
        raise Refused(401, "lives_too_long", "The token lives longer than replays are remembered.")


def _verify_url(claims: dict[str, Any], public_url: str) -> None:
    try:
        given = normalised(claims["webhook_url"])
    except (AttributeError, TypeError, ValueError):
        given = ""
    if not hmac.compare_digest(given.encode(), public_url.encode()):
        raise Refused(401, "wrong_url", "The token was made for another URL.")


def _body_hash(claims: dict[str, Any]) -> str:
    value = claims["body_sha256"]
    if not isinstance(value, str) or not value.isascii():
        raise Refused(401, "bad_token", "The claim body_sha256 is not a hash.")
    return value.lower()
