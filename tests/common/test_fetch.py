"""Fetching for somebody reaches nothing of ours."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from common import fetch
from common.fetch import FetchSession, Refused, is_public


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:0a00:0001::1",
     "64:ff9b::a00:1", "::", "ff02::1"],
)  # fmt: skip
def test_what_is_not_of_the_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_what_is_of_the_internet_is(address: str) -> None:
    assert is_public(address)


class Handler(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        body = b"x" * (fetch.MOST_BYTES + 1) if self.path == "/large" else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Said to nobody."""


@pytest.fixture
def server() -> Iterator[str]:
    """Something private that answers."""
    Handler.asked = []
    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_private_address_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FetchSession(seconds=2) as session:
        for url in (server, server.replace("http:", "https:")):
            with pytest.raises(requests.ConnectionError):
                session.get(url)
    assert Handler.asked == []


def test_a_name_that_leads_to_a_private_address_is_not_asked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One private address among public ones is enough: which of them is tried is not ours to say."""
    answers = [("93.184.215.14", 443), ("127.0.0.1", 443)]
    looked_up: list[str] = []

    def resolve(host: str, *args: Any, **options: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answer) for answer in answers]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with FetchSession(seconds=2) as session, pytest.raises(requests.ConnectionError):
        session.get("https://innocent.example/")
    assert looked_up == ["innocent.example"]


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may answer differently a second time: it is asked once."""
    went: list[Any] = []

    def resolve(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        assert host == "innocent.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]

    def connect(address: Any, *args: Any, **options: Any) -> socket.socket:
        went.append(address)
        raise OSError("far away")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(fetch, "create_connection", connect)
    with FetchSession(seconds=2) as session, pytest.raises(requests.ConnectionError):
        session.get("https://innocent.example/")
    assert went == [("93.184.215.14", 443)]


def test_the_operators_own_address_may_be_private(server: str) -> None:
    with FetchSession(seconds=2, trusted=[server]) as session:
        assert session.get(f"{server}/keys").json() == {}


def test_only_that_very_origin_is_trusted(server: str) -> None:
    for other in (server.replace("http:", "https:"), "http://127.0.0.1:1"):
        with FetchSession(seconds=2, trusted=[other]) as session, pytest.raises(Refused):
            session.get(server)
    assert Handler.asked == []


def test_a_redirect_is_not_followed(server: str) -> None:
    with FetchSession(seconds=2, trusted=[server]) as session:
        assert session.get(f"{server}/moved").status_code == 302
    assert Handler.asked == ["/moved"]


def test_an_endless_answer_is_cut_off(server: str) -> None:
    with FetchSession(seconds=2, trusted=[server]) as session, pytest.raises(Refused, match="more than"):
        session.get(f"{server}/large")


def test_a_proxy_of_the_environment_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server)
    monkeypatch.setenv("HTTP_PROXY", server)
    with FetchSession(seconds=2) as session, pytest.raises(requests.RequestException):
        session.get("https://127.0.0.1/")
    assert Handler.asked == []
