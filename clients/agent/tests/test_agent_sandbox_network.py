"""The way out of a sandbox: what is refused before anybody connects; what is allowed passes whole."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

import pytest
from equinode_agent.network.relay import Relay
from equinode_agent.network.rules import Address, Entry, Rules

OPEN = Rules(hosts=None)
LIST = Rules(hosts=(Entry.read("pypi.org"), Entry.read("*.example.org"), Entry.read("data.lab:8443")))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"]
    + ["169.254.169.254", "fe80::1", "fd00::1", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"]
    + [
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "198.18.0.1",
    ]
    + ["192.0.2.1", "2001:db8::1", "::ffff:8.8.8.8"],
)
def test_no_address_but_a_public_one_is_reached(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert OPEN.why_not_address(found, host="some.name", port=443, is_own=False) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "151.101.0.223", "2606:4700::1111"])
def test_a_public_address_is_reached(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert OPEN.why_not_address(found, host="some.name", port=443, is_own=False) is None
    assert OPEN.why_not_address(found, host="some.name", port=443, is_own=True) is not None
    blocked = Rules(hosts=None, blocked=(ipaddress.ip_network(f"{address}/{found.max_prefixlen}"),))
    assert blocked.why_not_address(found, host="some.name", port=443, is_own=False) is not None


@pytest.mark.parametrize(
    ("host", "port", "is_covered"),
    [
        ("pypi.org", 443, True),
        ("pypi.org", 80, True),
        ("pypi.org", 22, False),
        ("files.pypi.org", 443, False),
        ("evil-pypi.org", 443, False),
        ("a.example.org", 443, True),
        ("a.b.example.org", 443, True),
        ("example.org", 443, False),
        ("example.org.evil.net", 443, False),
        ("data.lab", 8443, True),
        ("data.lab", 443, False),
    ],
)
def test_a_list_covers_what_it_names_and_no_more(host: str, port: int, is_covered: bool) -> None:
    assert (LIST.why_not_host(host, port) is None) == is_covered


def test_a_host_listed_by_its_whole_name_may_be_in_the_owners_network_but_never_the_machine() -> None:
    private = ipaddress.ip_address("10.1.2.3")
    assert LIST.why_not_address(private, host="data.lab", port=8443, is_own=False) is None
    assert LIST.why_not_address(private, host="a.example.org", port=443, is_own=False) is not None
    assert LIST.why_not_address(private, host="data.lab", port=8443, is_own=True) is not None
    loopback = ipaddress.ip_address("127.0.0.1")
    assert LIST.why_not_address(loopback, host="data.lab", port=8443, is_own=False) is not None


def test_rules_survive_their_way_to_the_relay() -> None:
    rules = Rules(hosts=LIST.hosts, blocked=(ipaddress.ip_network("8.8.0.0/16"),))
    assert Rules.read(rules.dump()) == rules
    assert Rules.read(OPEN.dump()) == OPEN


@pytest.mark.parametrize(
    "text", ["", "a b", "http://pypi.org", "pypi.org:0", "pypi.org:x", "*", "*.", "a/b", "*a.b"]
)
def test_what_is_no_host_is_no_entry(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        Entry.read(text)


# --- the relay, with names and addresses of its own ----------------------------------------------
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Anywhere(Rules):
    """Takes the loopback for a public place; the rest of its rules hold."""

    def why_not_address(self, address: Address, *, host: str, port: int, is_own: bool) -> str | None:
        return (
            None
            if host == "public.example"
            else super().why_not_address(address, host=host, port=port, is_own=is_own)
        )


async def _resolve(host: str, port: int) -> list[Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def _through(rules: Rules, request: Callable[[int], bytes]) -> tuple[bytes, list[bytes]]:
    """What the relay answered, and what the host behind it heard."""
    heard: list[bytes] = []

    async def behind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.write(b"answer:" + b"x" * 1_000_000)
        writer.close()

    async def all_of_it() -> bytes:
        host = await asyncio.start_server(behind, "127.0.0.1", 0)
        relay = Relay(rules, resolve=_resolve, is_own=lambda _address: False)
        door = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.sockets[0].getsockname()[1])
        writer.write(request(host.sockets[0].getsockname()[1]))
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        host.close()
        door.close()
        return answer

    return asyncio.run(asyncio.wait_for(all_of_it(), 60)), heard


def test_a_tunnel_carries_both_ways_to_the_end() -> None:
    answer, heard = _through(
        _Anywhere(hosts=None), lambda port: f"CONNECT public.example:{port} HTTP/1.1\r\n\r\nhello".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 200 Connection established"
    assert body == b"answer:" + b"x" * 1_000_000
    assert heard == [b"hello"]


def test_a_plain_request_reaches_its_host_without_what_was_for_the_proxy() -> None:
    answer, heard = _through(
        _Anywhere(hosts=None),
        lambda port: (
            f"GET http://user:word@public.example:{port}/a/b?c=d HTTP/1.1\r\nHost: public.example\r\n"
            "Proxy-Authorization: Basic eHg=\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
        ).encode(),
    )
    assert answer.startswith(b"answer:")
    assert heard == [
        b"GET /a/b?c=d HTTP/1.1\r\nHost: public.example\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ]


@pytest.mark.parametrize(
    ("rules", "request_line", "answer"),
    [
        (OPEN, "CONNECT somewhere.example:443 HTTP/1.1", "403 An address of this machine or its link"),
        (OPEN, "CONNECT mail.example:25 HTTP/1.1", "403 Port 25 is closed here"),
        (LIST, "CONNECT elsewhere.example:443 HTTP/1.1", "403 Not on the list of this node"),
        (LIST, "GET http://elsewhere.example/ HTTP/1.1", "403 Not on the list of this node"),
        (OPEN, "CONNECT nothing HTTP/1.1", "400 This names no host and port"),
        (OPEN, "GET /etc/passwd HTTP/1.1", "400 This is no request that a proxy understands"),
        (OPEN, "GET ftp://a.example/ HTTP/1.1", "400 This is no request that a proxy understands"),
        (OPEN, "hello", "400 This is no request that a proxy understands"),
    ],
)
def test_a_refusal_says_why_in_its_first_line(rules: Rules, request_line: str, answer: str) -> None:
    said, heard = _through(rules, lambda _port: f"{request_line}\r\n\r\n".encode())
    assert said.split(b"\r\n")[0].decode() == f"HTTP/1.1 {answer}"
    assert heard == []
