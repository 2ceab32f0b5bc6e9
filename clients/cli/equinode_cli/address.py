"""The address of a site: https, or http on this very machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from equinode_cli.errors import Misused
from equinode_cli.words import _


def site_address(text: str) -> str:
    """The address without its last slash; a name alone is taken for https."""
    text = text.strip()
    given = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    is_plain = parts.path in ("", "/") and not (
        parts.query or parts.fragment or parts.username or parts.password
    )
    if parts.scheme not in ("http", "https") or not host or not is_plain or not host.isascii():
        raise Misused(
            _("“%(address)s” is not the address of a site. It looks like https://equinode.example.")
            % {"address": text}
        )
    if parts.scheme == "http" and not is_this_machine(host):
        raise Misused(
            _("“%(address)s” is not encrypted: your token could be read on the way. Use https://.")
            % {"address": text}
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}"


def is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True  # RFC 6761, section 6.3
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
