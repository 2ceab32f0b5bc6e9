"""A load generator that costs little of the cores it shares: prepared bytes on plain sockets."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

from bench.world import Researcher

CSRF = "b" * 32  # the cookie and the header must agree; which 32 letters they are does not matter


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


def post(url: str, path: str, payload: object, by: Researcher | None) -> bytes:
    """A whole request; one connection each, since gunicorn's sync workers close it anyway."""
    body = json.dumps(payload).encode()
    head = [
        f"POST {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close",
        "Content-Type: application/json", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    if by is not None:
        head += [f"Cookie: sessionid={by.session}; csrftoken={CSRF}", f"X-CSRFToken: {CSRF}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def send(url: str, request: bytes) -> Answer:
    address = urlsplit(url)
    began = time.perf_counter()
    with socket.create_connection((address.hostname, address.port or 80), timeout=60) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    answer = b"".join(parts)
    took = time.perf_counter() - began
    head, _, body = answer.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), body, took)


def at_once(url: str, requests: Iterable[bytes]) -> list[Answer]:
    """All of them in the same moment, each from a client of its own."""
    waiting = list(requests)
    gate = Barrier(len(waiting))

    def one(request: bytes) -> Answer:
        gate.wait()
        return send(url, request)

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(one, waiting))


def for_a_while(
    url: str, clients: Iterable[Callable[[], bytes]], seconds: float
) -> tuple[list[Answer], float]:
    """Each client asks again as soon as it has its answer; the answers, and how long it took."""
    askers = list(clients)
    gate = Barrier(len(askers))
    end = time.perf_counter() + seconds

    def one(next_request: Callable[[], bytes]) -> list[Answer]:
        gate.wait()
        answers = []
        while time.perf_counter() < end:
            answers.append(send(url, next_request()))
        return answers

    began = time.perf_counter()
    with ThreadPoolExecutor(len(askers)) as pool:
        answers = [answer for mine in pool.map(one, askers) for answer in mine]
    return answers, time.perf_counter() - began
