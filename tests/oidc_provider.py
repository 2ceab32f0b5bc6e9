"""A real OpenID Connect provider in a process of its own: django-allauth's, with three people and on sqlite.

    python -m tests.oidc_provider <port> <redirect URI>

`/-/fault?name=...` lets it answer wrongly from then on, in the one way of that name: what it signs is then
changed on its way out, with its own key where the fault is not about the key.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "equinode", "a secret of the client"
PASSWORD = "correct horse battery"
# Who signs in there: name, address, whether the provider says that the address is theirs.
PEOPLE = {
    "nora": ("nora@university.example", True),
    "ada": ("ada@example.org", True),
    "eve": ("ada@example.org", False),  # claims an address that is not hers
}

Start = Callable[..., Any]


def new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def configure(folder: str, pem: str) -> None:
    from django.conf import settings

    settings.configure(
        DEBUG=False,
        SECRET_KEY="of the provider " * 4,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.oidc_provider_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "allauth", "allauth.account", "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ACCOUNT_RATE_LIMITS=False,
        ACCOUNT_EMAIL_VERIFICATION="none",
        IDP_OIDC_PRIVATE_KEY=pem,
    )  # fmt: skip


def fill(redirect_uri: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    client = Client(
        id=CLIENT_ID, name="Equinode", scopes="openid\nprofile\nemail", redirect_uris=redirect_uri,
        skip_consent=True,
    )  # fmt: skip
    client.set_secret(CLIENT_SECRET)
    client.save()
    for name, (address, is_verified) in PEOPLE.items():
        user = User.objects.create_user(name, address, PASSWORD, first_name=name.title(), last_name="Doe")
        EmailAddress.objects.create(user=user, email=address, verified=is_verified, primary=True)


class Faults:
    """Stands before the provider and spoils what it says, as it is told to."""

    def __init__(self, application: Start, pem: str) -> None:
        self.application, self.pem, self.fault = application, pem, ""

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/-/fault":
            self.fault = parse_qs(environ["QUERY_STRING"]).get("name", [""])[0]
            start("204 No Content", [])
            return [b""]
        if self.fault == "down":
            start("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"down"]
        if self.fault == "moved" and path.endswith("openid-configuration"):
            start("302 Found", [("Location", "http://127.0.0.1:1/")])
            return [b""]
        status, headers, body = self.ask(environ)
        if status.startswith("200"):
            body = self.spoil(path, body)
        start(status, [(name, value) for name, value in headers if name.lower() != "content-length"])
        return [body]

    def ask(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        told: list[Any] = []
        body = b"".join(self.application(environ, lambda *answer: told.extend(answer)))
        return told[0], told[1], body

    def spoil(self, path: str, body: bytes) -> bytes:
        if path.endswith("openid-configuration"):
            change = {
                "issuer": {"issuer": "https://somebody-else.example"},
                "private": {"token_endpoint": "https://10.0.0.1/token"},
                "script": {"authorization_endpoint": "javascript:alert(1)"},
            }.get(self.fault, {})
            return json.dumps(json.loads(body) | change).encode()
        if path.endswith("/userinfo") and self.fault == "userinfo":
            return json.dumps(json.loads(body) | {"sub": "somebody else"}).encode()
        if path.endswith("/token"):
            answer = json.loads(body)
            answer["id_token"] = self.token(answer["id_token"])
            return json.dumps(answer).encode()
        return b"not JSON" if path.endswith("jwks.json") and self.fault == "garbage" else body

    def token(self, token: str) -> str:
        claims = jwt.decode(token, options={"verify_signature": False})
        head = jwt.get_unverified_header(token)
        changes: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "another"}, "no-nonce": {"nonce": None}, "token-issuer": {"iss": "https://x.example"},
            "audience": {"aud": "another client"}, "expired": {"exp": claims["iat"] - 7200},
            "azp": {"azp": "another client"},
        }  # fmt: skip
        if self.fault in changes:
            changed = {
                name: value for name, value in (claims | changes[self.fault]).items() if value is not None
            }
            return jwt.encode(changed, self.pem, "RS256", {"kid": head["kid"]})
        if self.fault == "none":
            return jwt.encode(claims, "", "none", {"kid": head["kid"]})
        if self.fault == "hs256":
            return jwt.encode(claims, CLIENT_SECRET * 3, "HS256", {"kid": head["kid"]})
        if self.fault == "key":
            return jwt.encode(claims, new_key(), "RS256", {"kid": head["kid"]})
        return token


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Said to nobody."""


def main() -> None:
    port, redirect_uri = int(sys.argv[1]), sys.argv[2]
    pem = new_key()
    with tempfile.TemporaryDirectory(prefix="equinode-oidc-") as folder:
        configure(folder, pem)
        import django

        django.setup()
        fill(redirect_uri)
        from django.core.wsgi import get_wsgi_application

        with make_server(
            "127.0.0.1", port, Faults(get_wsgi_application(), pem), handler_class=Quiet
        ) as server:
            print("ready", flush=True)
            server.serve_forever()


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main()
