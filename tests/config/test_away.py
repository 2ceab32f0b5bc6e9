"""Pages and API while PostgreSQL is away: a connection that really cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.test import AsyncClient, Client
from psycopg import errors

from common.access import NOT_KEPT
from config.away import is_database_away


@pytest.fixture
def attempts(django_db_blocker: Any) -> Iterator[list[None]]:
    """Nothing listens there. Each attempt to connect is noted: in production it may take ten seconds."""
    noted: list[None] = []
    connect = connection.get_new_connection

    def attempt(params: Any) -> Any:
        noted.append(None)
        return connect(params)

    with django_db_blocker.unblock(), patch.dict(connection.settings_dict, HOST="/nowhere"):
        connection.close()
        with patch.object(connection, "get_new_connection", attempt):
            yield noted
        connection.close()


def visitor(*, with_session: bool = False, headers: dict[str, str] | None = None) -> Client:
    client = Client(raise_request_exception=False, headers=headers)
    if with_session:
        client.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
    return client


@pytest.mark.parametrize("with_session", [False, True])
@pytest.mark.parametrize("address", ["/prices/", "/nodes/lyon-h100/", "/accounts/login/", "/me/", "/ledger/"])
def test_a_page_says_so_and_asks_once(attempts: list[None], address: str, with_session: bool) -> None:
    answer = visitor(with_session=with_session).get(address)
    if address == "/me/" and not with_session:
        assert answer.status_code == 302  # to sign in: nothing was asked
        return
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Cache-Control"] == NOT_KEPT
    assert "Content-Security-Policy" in answer.headers
    assert "<h1>Not reachable just now</h1>" in answer.content.decode()
    assert len(attempts) == 1


def test_it_says_so_in_french_too(attempts: list[None]) -> None:
    for with_session in (False, True):
        page = (
            visitor(with_session=with_session, headers={"accept-language": "fr"})
            .get("/prices/")
            .content.decode()
        )
        assert '<html lang="fr"' in page
        assert "Not reachable" not in page


def test_a_form_that_was_sent_is_answered_alike(attempts: list[None]) -> None:
    answer = visitor(with_session=True).post("/me/", {"name": "Ada"})
    assert (answer.status_code, len(attempts)) == (503, 1)


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/api/v1/prices", {}),
        ("/api/v1/reservations", {"authorization": "Bearer eqn_0000000000000000000000000000000000000000000"}),
    ],
)
def test_a_program_gets_a_problem(attempts: list[None], address: str, headers: dict[str, str]) -> None:
    answer = visitor(headers=headers).get(address)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["code"] == "unavailable"
    assert "not reachable just now" in answer.json()["detail"]
    assert len(attempts) == 1


def test_what_needs_no_database_is_there(attempts: list[None]) -> None:
    assert visitor().get("/api/v1/").status_code == 200
    assert attempts == []


def test_it_is_the_same_under_asgi(attempts: list[None]) -> None:
    client = AsyncClient(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
    answer = async_to_sync(client.get)("/prices/")
    assert answer.status_code == 503
    assert "Not reachable just now" in answer.content.decode()


def caused(error: Exception, cause: BaseException | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (caused(OperationalError(), psycopg.OperationalError("refused")), True),
        (caused(InterfaceError(), psycopg.InterfaceError("the connection is closed")), True),
        (caused(OperationalError(), errors.AdminShutdown()), True),
        (caused(OperationalError(), errors.CannotConnectNow()), True),
        (caused(OperationalError(), errors.TooManyConnections()), True),
        (caused(OperationalError(), errors.ConnectionFailure()), True),
        (caused(OperationalError(), errors.DeadlockDetected()), False),
        (caused(OperationalError(), errors.LockNotAvailable()), False),
        (caused(OperationalError(), errors.QueryCanceled()), False),
        (ValueError(), False),
        (None, False),
    ],
)
def test_what_is_no_absence_is_told_apart(error: Exception | None, is_away: bool) -> None:
    assert is_database_away(error) is is_away


def test_a_page_that_breaks_for_another_reason_is_still_an_error() -> None:
    with patch("config.context.clock.now", side_effect=ValueError):
        answer = visitor().get("/accessibility/")
    assert answer.status_code == 500
