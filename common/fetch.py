"""Fetching over HTTP for somebody, without becoming their hand inside our own network.

A name is resolved once, each address is looked at, and the connection goes to that very address: a name
that answers differently the second time gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

MOST_BYTES = 1024 * 1024
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Origin = tuple[str, str, int]


class Refused(requests.ConnectionError):
    """The address is not one that may be fetched."""


class FetchSession(requests.Session):
    """`trusted` are addresses that the operator gave: their origins may be private, and speak plain HTTP."""

    def __init__(self, *, seconds: float, trusted: Collection[str] = ()) -> None:
        super().__init__()
        self.trust_env = False  # a proxy would resolve the name a second time
        self.seconds = seconds
        self.trusted = frozenset(origin(url) for url in trusted)
        adapter = _Adapter(self.trusted)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        if urlsplit(str(url)).scheme != "https" and origin(str(url)) not in self.trusted:
            raise Refused(f"{url} is not https")
        options |= {"timeout": self.seconds, "allow_redirects": False, "stream": True}
        response = super().request(method, url, **options)
        response._content = _body(response)
        return response


def origin(url: str) -> Origin:
    """Scheme, host and port: what decides whether two addresses are of one server."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _body(response: requests.Response) -> bytes:
    body = b""
    for part in response.iter_content(64 * 1024):
        body += part
        if len(body) > MOST_BYTES:
            response.close()
            raise Refused(f"{response.url} answers more than {MOST_BYTES} bytes")
    return body


def is_public(address: str) -> bool:
    """Whether an address is of the Internet at large; one that stands for IPv4 is looked at as IPv4."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or _translated(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """What a gateway of this network makes of an address of RFC 6052."""
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def public_address(host: str, port: int) -> str:
    """The address to connect to. One private address among several refuses them all."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Refused(f"{host} is not an address of the Internet")
    return addresses[0]


class _Connects:
    """Part of a connection that looks at the address before it goes there."""

    scheme: str
    trusted: frozenset[Origin]

    def _new_conn(self: Any) -> socket.socket:
        try:
            host = self._dns_host
            is_trusted = (self.scheme, host, self.port) in self.trusted
            goal = host if is_trusted else public_address(host, self.port)
            return create_connection(
                (goal, self.port),
                self.timeout,
                source_address=self.source_address,
                socket_options=self.socket_options,
            )
        except OSError as exc:
            raise NewConnectionError(self, f"{self._dns_host}: {exc}") from exc


class _Adapter(HTTPAdapter):
    """Gives each connection of a session the origins that this session trusts."""

    def __init__(self, trusted: frozenset[Origin]) -> None:
        self.trusted = trusted
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        known = {"trusted": self.trusted}
        plain = type("Plain", (_Connects, HTTPConnection), {"scheme": "http"} | known)
        secure = type("Secure", (_Connects, HTTPSConnection), {"scheme": "https"} | known)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
