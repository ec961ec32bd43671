"""A small OpenID Connect provider on this machine: one client, any account, no password.

It does what OpenID Connect Core 1.0 (section 3.1, authorization code flow) and RFC 7636 (PKCE) ask of a provider, and
refuses what they tell it to refuse, so that a log-in that comes through has done its part.
"""

import base64
import hashlib
import html
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "backtest", "the secret of the client"


class Provider(ThreadingHTTPServer):
    """Answers on a free port of this machine.

    Attributes:
        redirect_uri: the only address that it sends a visitor back to.
        codes: code to what was asked for and who it is, until it is used.
    """

    def __init__(self, redirect_uri: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.redirect_uri = redirect_uri
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "end_session_endpoint": f"{self.address}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def token(self, asked: dict[str, str], authorization: str) -> dict[str, Any]:
        """The tokens for a code, which is good once.

        Raises:
            AssertionError: the client, the code, the redirect address or the proof is not right.
        """
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        assert authorization in (f"Basic {basic}", f"Basic {plain}")
        granted = self.codes.pop(asked["code"])
        assert asked["grant_type"] == "authorization_code"
        assert asked["redirect_uri"] == granted["redirect_uri"]
        proof = base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest())
        assert proof.decode().rstrip("=") == granted["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT_ID, "sub": granted["account"], "iat": now, "exp": now + 600,
            "nonce": granted["nonce"], "email": granted["account"],
            "email_verified": not granted["account"].startswith("unverified"),
        }  # fmt: skip
        id_token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": secrets.token_hex(), "token_type": "Bearer", "expires_in": 600, "id_token": id_token}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = dict(parse_qsl(url.query))
        if url.path == "/.well-known/openid-configuration":
            self._send_json(self.server.metadata())
        elif url.path == "/keys":
            self._send_json({"keys": [self.server.key.as_dict(private=False)]})
        elif url.path == "/authorize" and "account" not in asked:
            self._ask_who(asked)
        elif url.path == "/authorize":
            self._grant(asked)
        elif url.path == "/logout":
            self._redirect(asked["post_logout_redirect_uri"])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        asked = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        try:
            self._send_json(self.server.token(asked, self.headers.get("Authorization", "")))
        except (AssertionError, KeyError):
            self._send_json({"error": "invalid_grant"}, status=400)

    def _ask_who(self, asked: dict[str, str]) -> None:
        kept = "".join(f'<input type="hidden" name="{k}" value="{html.escape(v)}">' for k, v in asked.items())
        form = f'<form>{kept}<label>Account <input name="account"></label><button>Continue</button></form>'
        self._send(f"<!doctype html><h1>Provider</h1>{form}".encode(), "text/html")

    def _grant(self, asked: dict[str, str]) -> None:
        right = {"client_id": CLIENT_ID, "redirect_uri": self.server.redirect_uri, "response_type": "code",
                 "code_challenge_method": "S256"}  # fmt: skip
        if {name: asked.get(name) for name in right} != right or "openid" not in asked["scope"].split():
            self.send_error(400)
            return
        self.server.codes[code := secrets.token_hex()] = asked
        self._redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.end_headers()

    def _send_json(self, content: dict[str, Any], *, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), "application/json", status=status)

    def _send(self, content: bytes, kind: str, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@contextmanager
def provider(redirect_uri: str) -> Iterator[Provider]:
    """A provider that answers until the end of the block."""
    with Provider(redirect_uri) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()
