"""Reads from the environment where mail goes out."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_BACKENDS = "django.core.mail.backends"
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Mail:
    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    use_ssl: bool = False
    use_tls: bool = False


def read_mail(url: str) -> Mail:
    """`console:`, `smtp://user:password@host:587` (STARTTLS; `?tls=none` without) or `smtps://…`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ImproperlyConfigured(f"EMAIL_URL: {exc}") from exc
    if parts.scheme == "console":
        return Mail(f"{_BACKENDS}.console.EmailBackend")
    tls = parse_qs(parts.query).get("tls", ["starttls"])[0]
    if parts.scheme not in _PORTS or not parts.hostname or tls not in ("starttls", "none"):
        raise ImproperlyConfigured(
            "EMAIL_URL: use console:, smtp://user:password@host:587 (with ?tls=none for a server on this"
            " machine) or smtps://user:password@host:465"
        )
    return Mail(
        backend=f"{_BACKENDS}.smtp.EmailBackend",
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=parts.scheme == "smtps",
        use_tls=parts.scheme == "smtp" and tls == "starttls",
    )
