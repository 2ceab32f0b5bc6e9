"""One call: asked again where that helps, given up where it does not, each refusal with its exit code."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from conftest import Equinode
from equinode_cli.patience import retry_after
from fake_site import UID, Answer, FakeSite

PATH = f"reservations/{UID}"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "invalid", 2), (400, "parameters_invalid", 2), (413, "body_too_large", 2),
        (400, "run_refused", 1),
        (401, "token_expired", 3), (403, "scope_missing", 3), (403, "not_a_keeper", 1), (404, "not_found", 4),
        (409, "cancel_refused", 1), (412, "precondition_failed", 1), (422, "idempotency_key_reused", 1),
        (500, "broken", 5),
    ],
)  # fmt: skip
def test_a_refusal_has_its_exit_code_and_its_sentence(
    ada: Equinode, site: FakeSite, status: int, code: str, exit_code: int
) -> None:
    site.refuse(PATH, status, code)
    site.refuse(PATH, status, code)
    done = ada("show", UID)
    assert (done.code, done.out) == (exit_code, "")
    assert f"The site says {code}." in done.err
    assert ada("show", UID, "--json").answer["code"] == code


def test_an_expired_token_says_where_to_go_on(ada: Equinode, site: FakeSite) -> None:
    site.refuse(PATH, 401, "token_expired")
    assert "equinode login" in ada("show", UID).err
    site.refuse(PATH, 403, "rules_not_accepted", url="/welcome/")
    assert f"{site.url}/welcome/" in ada("show", UID).err


def test_every_member_at_fault_is_named(ada: Equinode, site: FakeSite) -> None:
    errors = [
        {"pointer": "#/end", "detail": "Not a time.", "code": "invalid"},
        {"parameter": "limit", "detail": "Too many.", "code": "max_value"},
    ]
    site.refuse(PATH, 400, "invalid", errors=errors)
    assert "end: Not a time.\n  limit: Too many." in ada("show", UID).err


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_site_is_asked_again_when_it_says(
    ada: Equinode, site: FakeSite, pauses: list[float], status: int
) -> None:
    site.refuse(PATH, status, "busy", {"Retry-After": "7"})
    site.refuse(PATH, status, "busy")
    assert ada("show", UID).code == 0
    assert len(site.requests) == 4  # the slot three times, its runs once
    assert 7 <= pauses[0] < 8
    assert 0.5 < pauses[1] < 1.5


def test_a_pause_that_nobody_would_wait_is_told_instead(
    ada: Equinode, site: FakeSite, pauses: list[float]
) -> None:
    site.refuse(PATH, 503, "closed", {"Retry-After": "3600"})
    done = ada("show", UID)
    assert (done.code, pauses) == (5, [])
    assert "3600 s" in done.err


def test_it_gives_up_in_the_end(ada: Equinode, site: FakeSite, pauses: list[float]) -> None:
    for _ in range(99):
        site.refuse(PATH, 503, "away")
    assert ada("show", UID).code == 5
    assert 30 < sum(pauses) <= 60
    assert pauses[3] > pauses[0]


def test_what_is_being_answered_already_is_asked_for_again(
    ada: Equinode, site: FakeSite, pauses: list[float]
) -> None:
    site.refuse(PATH, 409, "idempotency_key_in_use")
    assert ada("cancel", UID, "--yes").code == 0
    assert len({one.headers["idempotency-key"] for one in site.asked(PATH, "DELETE")}) == 1


def test_a_site_that_cannot_be_reached(
    equinode: Equinode, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EQUINODE_SITE", f"http://127.0.0.1:{probe.getsockname()[1]}")
        done = equinode("nodes", "--json")
    assert (done.code, done.answer["code"]) == (5, "site_away")
    assert "cannot be reached" in done.err
    assert 0 < sum(pauses) <= 8


def test_a_redirection_is_not_followed(ada: Equinode, site: FakeSite) -> None:
    other = FakeSite()
    try:
        site.script.append((PATH, Answer(302, {}, {"Location": f"{other.url}/api/v1/{PATH}"})))
        done = ada("show", UID)
        assert (done.code, other.requests) == (5, [])
        assert other.url in done.err
    finally:
        other.close()


@pytest.mark.parametrize("next_", ["https://evil.example/api/v1/reservations", "//evil.example/x", "/logout"])
def test_a_page_elsewhere_is_not_asked_for(ada: Equinode, site: FakeSite, next_: str) -> None:
    site.script.append(("reservations", Answer(200, {"items": [], "next": next_})))
    assert ada("list").code == 5


@pytest.mark.parametrize("raw", [b"<html>", b"\xff", b""])
def test_what_is_no_equinode_site_is_told(ada: Equinode, site: FakeSite, raw: bytes) -> None:
    site.script.append(("me", Answer(200, headers={"Content-Type": "text/html"}, raw=raw)))
    assert ada("whoami").code == 5
    site.script.append(("me", Answer(404, headers={"Content-Type": "text/html"}, raw=raw)))
    assert ada("whoami").code == 4


def test_the_site_is_told_who_asks_and_in_which_language(ada: Equinode, site: FakeSite) -> None:
    assert ada("whoami").code == 0
    (asked,) = site.requests
    assert asked.headers["accept-language"] == "en"
    assert asked.headers["user-agent"].startswith("equinode/")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 0 ", 0), ("Sun, 22 Nov 2026 18:00:30 GMT", 30), ("Sun, 22 Nov 2026 17:00:00 GMT", 0),
     (None, None), ("soon", None), ("-1", None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, datetime(2026, 11, 22, 18, tzinfo=UTC)) == seconds
