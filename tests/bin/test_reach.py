"""What bin/run says about servers that the environment names and that it cannot use."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection

from bin.supervisor import reach
from tests.live import LiveSite, free_port


@pytest.fixture
def database_url(db: None) -> str:
    return LiveSite.url_of(connection.settings_dict["NAME"])


def test_servers_that_can_be_used_are_passed_over(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    assert reach.faults() == []


def test_nobody_is_asked_about_the_embedded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert reach.faults() == []


def test_both_faults_are_told_at_once_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://somebody:sesame@127.0.0.1:{port}/site")
    monkeypatch.setenv("REDIS_URL", f"redis://:sesame@127.0.0.1:{port}/0")
    database, broker = reach.faults()
    assert "no connection to site at 127.0.0.1 as somebody" in database
    assert "no answer from 127.0.0.1" in broker
    assert "sesame" not in database + broker
    assert "\n" not in database + broker


@pytest.mark.parametrize("url", ["nonsense", "mysql://user@host/name"])
def test_an_address_of_no_postgresql_is_told_what_one_looks_like(url: str) -> None:
    assert "postgresql://user:password@host/name" in (reach.database_fault(url) or "")


def test_an_address_of_no_redis_is_told_what_one_begins_with() -> None:
    assert "redis://" in (reach.broker_fault("nonsense") or "")


def test_servers_that_are_too_old_are_told_apart(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "POSTGRES", 99)
    monkeypatch.setattr(reach, "REDIS", (99, 0))
    assert "Equinode needs 99 or newer" in (reach.database_fault(database_url) or "")
    assert "Equinode needs 99.0 or newer" in (reach.broker_fault(settings.REDIS_URL) or "")
