"""The way out of a sandbox that has no network: a program that speaks HTTP as a proxy, beside the job.

Run as a process of its own (`python -m equinode_agent.network.relay`). Its only door is opened inside the
job's network namespace, on the loopback that is all the job has; its own connections leave from outside,
after the name, the port and the address were looked at. It connects to the very address that it looked
at, so a name that changes its address in between gains nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - see main(): what is not loaded then never will be
import contextlib
import encodings.idna  # noqa: F401
import ipaddress
import json
import os
import resource
import socket
import sys
import urllib.parse
from collections.abc import Awaitable, Callable

from equinode_agent.network import namespaces
from equinode_agent.network.rules import Address, Rules

PORT = 3128
LARGEST_HEAD = 16 << 10
HEAD_SECONDS = 30.0
CONNECT_SECONDS = 20.0
MOST_CONNECTIONS = 128
# What a job can make this process take, in no group of the job's: three ends a connection, and a few.
MOST_FILES, MOST_MEMORY = 512, 1 << 30
PIECE = 64 << 10
# Between this proxy and its client, or about the client: not for the host behind it.
OWN_HEADERS = ("proxy-", "connection:", "keep-alive:")

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Refused(Exception):
    """Said to the job in the first line of the answer: `status` and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, each once, in the order the system prefers."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Refused(502, "This name has no address") from exc
    return list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))


def is_own(address: Address) -> bool:
    """Whether it is this machine: then the way there begins where it ends. Nothing is sent to find out."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == str(address))


class Relay:
    """Serves one job."""

    def __init__(
        self, rules: Rules, *, resolve: Resolve = resolve, is_own: Callable[[Address], bool] = is_own
    ):
        self._rules, self._resolve, self._is_own = rules, resolve, is_own
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= MOST_CONNECTIONS:
            writer.transport.abort()  # nothing of it is read or kept
            return
        self._open += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except Refused as refusal:
            writer.write(
                f"HTTP/1.1 {refusal.status} {refusal}\r\nContent-Type: text/plain\r\n"
                f"Connection: close\r\n\r\n{refusal}.\n".encode()
            )
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (TimeoutError, asyncio.LimitOverrunError) as exc:
            raise Refused(400, "This is no request that a proxy understands") from exc
        method, target, _version = _first_line(head)
        if method == "CONNECT":
            host, port = _authority(target, default=None)
            there_reader, there_writer = await self._reach(host, port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            host, port, ahead = _plain(method, target, head)
            there_reader, there_writer = await self._reach(host, port)
            there_writer.write(ahead)
        await _both_ways(reader, writer, there_reader, there_writer)

    async def _reach(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if (why := self._rules.why_not_host(host, port)) is not None:
            raise Refused(403, why)
        failed: Refused | None = None
        for address in await self._resolve(host, port):
            why = self._rules.why_not_address(address, host=host, port=port, is_own=self._is_own(address))
            if why is not None:
                failed = failed or Refused(403, why)
                continue
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(str(address), port, limit=PIECE)
            except (OSError, TimeoutError):
                failed = Refused(502, "This host does not answer")
        raise failed or Refused(502, "This name has no address")


def _first_line(head: str) -> list[str]:
    words = head.split("\r\n", 1)[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused(400, "This is no request that a proxy understands")
    return words


def _authority(text: str, *, default: int | None) -> tuple[str, int]:
    try:
        parts = urllib.parse.urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or default
    except ValueError:
        host = port = None
    if not host or not port:
        raise Refused(400, "This names no host and port")
    return host.rstrip("."), port


def _plain(method: str, target: str, head: str) -> tuple[str, int, bytes]:
    """A request without TLS, as the host behind wants it: one a connection, so that none slips through."""
    if not target.lower().startswith("http://"):
        raise Refused(400, "This is no request that a proxy understands")
    authority, slash, path = target[len("http://") :].partition("/")
    host, port = _authority(authority.rpartition("@")[2], default=80)
    lines = head.rstrip("\r\n").split("\r\n")[1:]
    kept = [line for line in lines if not line.lower().startswith(OWN_HEADERS)]
    ahead = "\r\n".join([f"{method} {slash or '/'}{path} HTTP/1.1", *kept, "Connection: close", "", ""])
    return host, port, ahead.encode("latin-1")


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there_reader: asyncio.StreamReader,
    there_writer: asyncio.StreamWriter,
) -> None:
    try:
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
    finally:
        there_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has said all; the other may still be speaking."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


async def _until_told(relay: Relay, door: socket.socket) -> None:
    server = await asyncio.start_server(relay.serve, sock=door, limit=LARGEST_HEAD)
    sys.stdout.write("r")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    # The agent says nothing more: with it, or when the job is gone, this pipe ends.
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await orders.read()
    server.close()


def _bound(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (value, value))


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    door = namespaces.listen_inside(int(plan["pid"]), PORT)
    os.nice(10)
    _bound(resource.RLIMIT_NOFILE, MOST_FILES)
    _bound(resource.RLIMIT_AS, MOST_MEMORY)
    if plan["uid"] is not None:
        # From here on nothing of the agent can be read, its programs included.
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    asyncio.run(_until_told(Relay(Rules.read(plan["rules"])), door))
    os._exit(0)  # a look-up that hangs must not keep this process


if __name__ == "__main__":
    main()
