"""Which hosts and addresses a job may reach. Pure: asks nobody for an address, connects to nothing."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network

# Reserved for the machine, the link and whoever is on it: no list opens these.
NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "168.63.129.16/32",  # the one of Azure, and 100.100.100.200 the one of Alibaba
        "100.100.100.200/32",
        "224.0.0.0/3",  # multicast and reserved
        "::/127",
        "fe80::/10",
        "fd00:ec2::/32",  # the one of AWS
        "fd20:ce::/32",  # the one of Google
        "ff00::/8",
        # IPv4 in IPv6's clothes: what it leads to would go unexamined.
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)
USUAL_PORTS = (80, 443)
# No machine of an owner becomes a source of unwanted mail.
REFUSED_PORTS = frozenset({25})
HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Entry:
    """One line of an owner's list: a host, or all names below one, on the ports of the web or on one port."""

    host: str
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Entry:
        host, colon, port = text.strip().lower().partition(":")
        if not HOST.fullmatch(host) or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
            raise ValueError(f"“{text}” is not a host such as pypi.org, *.example.org or example.org:8443")
        return cls(host, int(port) if colon else None)

    @property
    def is_exact(self) -> bool:
        return not self.host.startswith("*.")

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def covers(self, host: str, port: int) -> bool:
        fits = host == self.host if self.is_exact else fnmatch.fnmatchcase(host, self.host)
        return fits and (port in USUAL_PORTS if self.port is None else port == self.port)


@dataclass(frozen=True)
class Rules:
    """`hosts` None: every public address; else what the owner's list covers."""

    hosts: tuple[Entry, ...] | None
    blocked: tuple[Range, ...] = ()

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Rules:
        hosts = raw["hosts"]
        return cls(
            hosts=None if hosts is None else tuple(Entry.read(text) for text in hosts),
            blocked=tuple(ipaddress.ip_network(text) for text in raw["blocked"]),
        )

    def dump(self) -> dict[str, Any]:
        hosts = None if self.hosts is None else [str(entry) for entry in self.hosts]
        return {"hosts": hosts, "blocked": [str(one) for one in self.blocked]}

    def why_not_host(self, host: str, port: int) -> str | None:
        """The reason to refuse a name before anybody is asked for its address; None: ask."""
        if port in REFUSED_PORTS:
            return f"Port {port} is closed here"
        if self.hosts is not None and not any(entry.covers(host, port) for entry in self.hosts):
            return "Not on the list of this node"
        return None

    def why_not_address(self, address: Address, *, host: str, port: int, is_own: bool) -> str | None:
        """The reason to refuse an address that a name led to; None: it may be reached."""
        if is_own or _lies_in(address, NEVER):
            return "An address of this machine or its link"
        if _lies_in(address, self.blocked):
            return "Blocked by the owner of this node"
        if not address.is_global and not self._names_exactly(host, port):
            return "A private address"
        return None

    def _names_exactly(self, host: str, port: int) -> bool:
        """An owner who lists a host by its whole name means it, also where it is in the owner's network."""
        return any(entry.is_exact and entry.covers(host, port) for entry in self.hosts or ())


def _lies_in(address: Address, ranges: Sequence[Range]) -> bool:
    return any(address.version == one.version and address in one for one in ranges)
