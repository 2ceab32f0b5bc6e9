"""The page about settings describes what the settings read, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import settings

BASE_DIR = Path(settings.BASE_DIR)
READ = re.compile(
    r"""(?:os\.getenv|os\.environ\.get|env_bool|env_int)\(\s*["']([A-Z_]+)["']|\$\{([A-Z_]+):-"""
)


def read_in(*paths: str) -> set[str]:
    sources = "\n".join((BASE_DIR / path).read_text() for path in paths)
    return {python or shell for python, shell in READ.findall(sources)}


def described() -> tuple[set[str], set[str]]:
    site, programs = (BASE_DIR / "docs/settings.md").read_text().split("Only the programs under")
    return tuple(set(re.findall(r"^\| `([A-Z_]+)` \|", part, re.M)) for part in (site, programs))  # type: ignore[return-value]


def test_every_variable_the_settings_read_is_described() -> None:
    site, _ = described()
    assert site == read_in("config/settings.py", "config/embedded.py")


def test_every_variable_of_the_programs_is_described() -> None:
    site, programs = described()
    read = read_in(
        "bin/setup", "bin/servers", "bin/test", "config/settings_test.py", "tests/live.py",
        "tests/journeys/conftest.py",
    )  # fmt: skip
    assert programs == {name for name in read if not name.startswith("PYTEST")} - site


@pytest.mark.parametrize("value", ["true", "1", "yes", ""])
def test_a_switch_that_is_neither_true_nor_false_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("DEBUG", value)
    with pytest.raises(ImproperlyConfigured, match="DEBUG"):
        settings.env_bool("DEBUG", "False")


@pytest.mark.parametrize("value", ["-1", "2.5", "many", ""])
def test_a_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", value)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_SIZE"):
        settings.env_int("DATABASE_POOL_SIZE", "8")


def test_options_in_the_address_of_the_database_are_kept() -> None:
    options = settings.database("postgresql://equinode@db.example/equinode?sslmode=verify-full")["OPTIONS"]
    assert options["sslmode"] == "verify-full"
    assert options["pool"]["max_size"] >= 1
