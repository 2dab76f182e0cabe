"""Deliveries that Gong never sends: each a request, and what is to be answered.

They are told apart by the reason in the answer, so that a delivery that is refused for another reason than its own
does not pass as a test.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from airflow_provider_gong.sandbox.signing import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_gong.sandbox.webhooks import Webhooks

HUNG_UP = 499
STRANGER = SigningKey()


@dataclass(frozen=True)
class Hostile:
    """A request in bytes, and the answers to it that are right."""

    raw: bytes
    status: int
    reason: str


class Forger:
    """Forge deliveries to one rule of a server on this machine."""

    def __init__(self, webhooks: Webhooks, port: int, rule: str = "both", prefix: str = "") -> None:
        self.webhooks = webhooks
        self.path = f"{prefix}/gong/webhooks/{rule}"
        self.url = f"http://127.0.0.1:{port}{self.path}"
        self.port = port
        self.body = webhooks.body()
        self.claims = webhooks.claims(self.url, self.body)

    def all(self) -> Iterator[tuple[str, Hostile]]:
        """Yield each one with its name."""
        yield from ((name, self.with_token(token, reason)) for name, reason, token in self._tokens())
        yield from ((name, self.with_body(body, reason)) for name, reason, body in self._bodies())
        yield from self._requests()

    def with_token(self, token: str, reason: str) -> Hostile:
        """Return the honest body with a forged token."""
        return Hostile(self.request(headers=[f"Authorization: {token}"]), 401, reason)

    def with_body(self, body: bytes, reason: str) -> Hostile:
        """Return a body that is signed as it should be, so that only its content is wrong."""
        token = self.webhooks.key.token(self.webhooks.claims(self.url, body))
        return Hostile(self.request(body, headers=[f"Authorization: {token}"]), 400, reason)

    def request(
        self, body: bytes | None = None, *, line: str = "", headers: list[str] | None = None, length: str = ""
    ) -> bytes:
        """Return a request as it goes over the wire."""
        body = self.body if body is None else body
        head = [
            line or f"POST {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Connection: close",
            f"Content-Length: {length or len(body)}",
            *(self.honest() if headers is None else headers),
        ]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + body

    def chunked(self, body: bytes) -> bytes:
        """Return a request whose body has no length, with the honest header."""
        head = [
            f"POST {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Connection: close",
            "Transfer-Encoding: chunked",
            *self.honest(),
        ]
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        return "\r\n".join([*head, "", ""]).encode() + chunk

    def honest(self) -> list[str]:
        """Return the header that Gong would send."""
        return [f"Authorization: {self.webhooks.key.token(self.claims)}"]

    def _tokens(self) -> Iterator[tuple[str, str, str]]:
        sign, claims, now = self.webhooks.key.token, self.claims, time.time()
        good = sign(claims)
        head, middle, signature = good.split(".")
        pem, der = self.webhooks.key.public_key_pem, self.webhooks.key.public_key
        forged = part(json.dumps({**claims, "exp": now + 600}).encode())

        def without(name: str) -> str:
            return sign({key: value for key, value in claims.items() if key != name})

        yield "none without a signature", "wrong_algorithm", unsigned(claims, "none")
        yield "None without a signature", "wrong_algorithm", unsigned(claims, "None")
        yield "HMAC with the public key as PEM", "wrong_algorithm", hmac_token(claims, pem.encode())
        yield "HMAC with the public key as shown", "wrong_algorithm", hmac_token(claims, der.encode())
        yield (
            "HMAC with the public key as DER",
            "wrong_algorithm",
            hmac_token(claims, base64.b64decode(der)),
        )
        yield "HMAC that calls itself RS256", "wrong_signature", sign(claims, secret=pem.encode())
        yield "RS512", "wrong_algorithm", rsa_token(claims, "RS512")
        yield "PS256", "wrong_algorithm", sign(claims, header={"alg": "PS256"})
        yield "ES256", "wrong_algorithm", ec_token(claims)
        yield "no algorithm", "wrong_algorithm", sign(claims, header={"typ": "JWT"})
        yield "another key", "wrong_signature", STRANGER.token(claims)
        yield (
            "another key, named in the header",
            "wrong_signature",
            STRANGER.token(
                claims, header={"alg": "RS256", "jwk": {"kty": "RSA"}, "x5c": [STRANGER.public_key]}
            ),
        )
        yield (
            "another key, found by its id",
            "wrong_signature",
            STRANGER.token(
                claims, header={"alg": "RS256", "kid": "../../../../dev/null", "jku": f"{self.url}/keys"}
            ),
        )
        yield (
            "extension that must be understood",
            "bad_token",
            sign(claims, header={"alg": "RS256", "crit": ["x"]}),
        )
        yield (
            "content that is not in the token",
            "bad_token",
            sign(claims, header={"alg": "RS256", "b64": False, "crit": ["b64"]}),
        )
        yield "claims changed under the signature", "wrong_signature", f"{head}.{forged}.{signature}"
        yield "empty signature", "wrong_signature", f"{head}.{middle}."
        yield "cut signature", "wrong_signature", f"{head}.{middle}.{signature[:-2]}"
        yield "two parts", "bad_token", f"{head}.{middle}"
        yield "four parts", "bad_token", f"{good}.{signature}"
        yield "no token at all", "bad_token", "nonsense"
        yield "Bearer without a token", "bad_token", "Bearer"
        yield "Basic", "bad_token", "Basic dXNlcjpwYXNzd29yZA=="
        yield "not base64", "bad_token", "*.*.*"
        yield "huge header", "bad_token", f"{good}{'A' * 9000}"
        yield "claims that are a list", "bad_token", raw_token(self.webhooks.key, b"[1]")
        yield "claims that are not JSON", "bad_token", raw_token(self.webhooks.key, b"{")
        yield "claims nested deeply", "bad_token", raw_token(self.webhooks.key, b"[" * 3000)
        yield "expired", "expired", sign({**claims, "exp": int(now) - 60})
        yield "expired long ago", "expired", sign({**claims, "exp": 0})
        yield "valid from tomorrow", "not_yet_valid", sign({**claims, "nbf": now + 86_000})
        yield "issued tomorrow", "not_yet_valid", sign({**claims, "iat": now + 86_000})
        yield "valid for years", "lives_too_long", sign({**claims, "exp": now + 100_000_000})
        yield "expiry that is a text", "bad_token", sign({**claims, "exp": "soon"})
        yield "expiry in a text", "bad_token", sign({**claims, "exp": str(int(now) + 60)})
        yield "expiry that is infinite", "bad_token", sign({**claims, "exp": float("inf")})
        yield "expiry that is true", "expired", sign({**claims, "exp": True})
        yield "no claims", "missing_claim", sign({})
        for name in ("exp", "webhook_url", "body_sha256"):
            yield f"no {name}", "missing_claim", without(name)
        yield "null as body_sha256", "missing_claim", sign({**claims, "body_sha256": None})
        yield "a number as body_sha256", "bad_token", sign({**claims, "body_sha256": 7})
        yield "umlauts as body_sha256", "bad_token", sign({**claims, "body_sha256": "ä" * 64})
        yield "hash of another body", "wrong_body", sign({**claims, "body_sha256": sha(b"other")})
        yield (
            "hash in base64",
            "wrong_body",
            sign({**claims, "body_sha256": base64.b64encode(b"x" * 32).decode()}),
        )
        for name, url in self._urls():
            yield f"URL of {name}", "wrong_url", sign({**claims, "webhook_url": url})

    def _urls(self) -> Iterator[tuple[str, Any]]:
        yield "another rule", self.url.replace("/both", "/runs")
        yield "another host", self.url.replace("127.0.0.1", "127.0.0.2")
        yield "another port", self.url.replace(f":{self.port}", "")
        yield "another scheme", self.url.replace("http:", "https:")
        yield "another query", f"{self.url}?a=b"
        yield "a longer path", f"{self.url}/x"
        yield "letters of another size", self.url.replace("/both", "/Both")
        yield "an escaped slash", self.url.replace("/both", "%2Fboth")
        yield "a user", self.url.replace("http://", "http://gong@")
        yield "nothing", ""
        yield "a number", 7
        yield "a bad port", "http://127.0.0.1:x/"
        yield "a line break", f"{self.url}\n"

    def _bodies(self) -> Iterator[tuple[str, str, bytes]]:
        call = json.loads(self.body)
        yield "no body", "not_json", b""
        yield "no JSON", "not_json", b"callData=7"
        yield "no UTF-8", "not_json", b'{"callData": "\xff"}'
        yield "cut JSON", "not_json", self.body[:-9]
        yield "JSON nested deeply", "not_json", b'{"callData": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        yield "NaN", "not_json", self.body.replace(b'"isTest": false', b'"isTest": NaN')
        yield "a huge number", "not_json", b'{"callData": ' + b"9" * 5000 + b"}"
        yield "a list", "bad_payload", b"[]"
        yield "null", "bad_payload", b"null"
        yield "no callData", "bad_payload", b'{"isTest": false}'
        yield "callData that is a text", "bad_payload", b'{"callData": "x"}'
        yield "no metaData", "bad_payload", b'{"callData": {}}'
        yield "metaData that is a list", "bad_payload", b'{"callData": {"metaData": []}}'
        yield "isTest that is a text", "bad_payload", json.dumps({**call, "isTest": "false"}).encode()
        for name, value in (
            ("no id", None),
            ("an empty id", ""),
            ("an id that is true", True),
            ("an id that is a fraction", 1.5),
            ("an id that is a list", ["7"]),
            ("an id that is a path", "../../x"),
            ("an id with a line break", "7\nINFO all is well"),
            ("a long id", "7" * 65),
        ):
            yield name, "no_call_id", json.dumps({"callData": {"metaData": {"id": value}}}).encode()

    def _requests(self) -> Iterator[tuple[str, Hostile]]:
        post = f"POST {self.path}"
        yield "no header", Hostile(self.request(headers=[]), 401, "no_token")
        forged = f"Authorization: {STRANGER.token(self.claims)}"
        yield (
            "honest header behind a forged one",
            Hostile(self.request(headers=[forged, *self.honest()]), 401, "wrong_signature"),
        )
        yield "changed body", Hostile(self.request(self.body.replace(b"false", b"true")), 401, "wrong_body")
        yield "longer body", Hostile(self.request(self.body + b" "), 401, "wrong_body")
        yield "body that is said to be huge", Hostile(self.request(b"", length="999999999"), 413, "too_large")
        changed = self.body.replace(b"false", b"true")
        yield "changed body in chunks", Hostile(self.chunked(changed), 401, "wrong_body")
        yield "two lengths", Hostile(self.request(headers=[*self.honest(), "Content-Length: 1"]), 400, "")
        elsewhere = self.webhooks.claims(f"https://hooks.example.com{self.path}", self.body)
        forwarded = ["X-Forwarded-Host: hooks.example.com", "X-Forwarded-Proto: https"]
        token = f"Authorization: {self.webhooks.key.token(elsewhere)}"
        yield "URL of the proxy", Hostile(self.request(headers=[token, *forwarded]), 401, "wrong_url")
        yield from self._detours()
        for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"):
            reason = "" if method == "HEAD" else "wrong_method"
            yield method, Hostile(self.request(line=f"{method} {self.path} HTTP/1.1"), 405, reason)
        for name, path, reason in (
            ("unknown rule", "/nothing", "unknown_rule"),
            ("rule in capitals", "/BOTH", "unknown_rule"),
            ("rule with a dot", "/both.json", "unknown_rule"),
            ("rule with an escaped NUL", "/both%00", "unknown_rule"),
            ("rule with an escaped line break", "/both%0a", "unknown_path"),
            ("rule with a semicolon", "/both;x=1", "unknown_rule"),
            ("rule that is a wildcard", "/*", "unknown_rule"),
            ("SQL", "/both'%20OR%201=1--", "unknown_rule"),
            ("path upwards", "/../webhooks/both", "unknown_path"),
            ("escaped path upwards", "/%2e%2e/both", "unknown_rule"),
            ("path with a key that no rule has", "/both/secret", "unknown_path"),
            ("path that goes on", "/both/x/y/z", "unknown_path"),
            ("no rule", "/", "unknown_path"),
            ("two slashes", "//both", "unknown_path"),
        ):
            line = f"{post.rpartition('/')[0]}{path} HTTP/1.1"
            yield name, Hostile(self.request(line=line), 404, reason)

    def _detours(self) -> Iterator[tuple[str, Hostile]]:
        """Yield honest deliveries that get in by the wrong way."""
        old = f"POST {self.path} HTTP/1.0"
        yield "no header, in HTTP/1.0", Hostile(self.request(line=old, headers=[]), 401, "no_token")
        token = self.webhooks.key.token(self.claims)
        yield "token as a cookie", Hostile(self.request(headers=[f"Cookie: jwt={token}"]), 401, "no_token")
        line = f"POST {self.path}?authorization={token}&token={token} HTTP/1.1"
        yield "token in the query", Hostile(self.request(line=line, headers=[]), 401, "no_token")
        override = ["X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", *self.honest()]
        get = f"GET {self.path}?_method=POST HTTP/1.1"
        yield (
            "GET that calls itself POST",
            Hostile(self.request(line=get, headers=override), 405, "wrong_method"),
        )
        nowhere = f"POST {self.path.replace('/both', '/nothing')} HTTP/1.1"
        rewritten = [f"X-Original-URL: {self.path}", f"X-Rewrite-URL: {self.path}", *self.honest()]
        yield "path in a header", Hostile(self.request(line=nowhere, headers=rewritten), 404, "unknown_rule")


def send(port: int, raw: bytes, seconds: float = 30) -> tuple[int, dict[str, Any]]:
    """Send bytes and return status and content of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(raw)
        received = b""
        # Who sends more than is wanted may be hung up on before the answer gets through.
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65_536):
                received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head else HUNG_UP
    return status, json.loads(body) if body.strip().startswith(b"{") else {}


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    return ".".join([part(json.dumps({"alg": algorithm}).encode()), part(json.dumps(claims).encode()), ""])


def hmac_token(claims: dict[str, Any], secret: bytes) -> str:
    return STRANGER.token(claims, header={"alg": "HS256"}, secret=secret)


def rsa_token(claims: dict[str, Any], algorithm: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return other_token(claims, algorithm, lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA512()))


def ec_token(claims: dict[str, Any]) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return other_token(claims, "ES256", lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())))


def other_token(claims: dict[str, Any], algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    covered = unsigned(claims, algorithm)[:-1]
    return f"{covered}.{part(sign(covered.encode()))}"


def raw_token(key: SigningKey, content: bytes) -> str:
    """Sign claims that are no object."""
    covered = f"{part(json.dumps({'alg': 'RS256'}).encode())}.{part(content)}"
    signature = key._key.sign(covered.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{covered}.{part(signature)}"
