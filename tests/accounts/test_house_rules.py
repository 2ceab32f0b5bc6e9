"""The house rules: readable by everybody, accepted in a version that can be shown again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from accounts import services
from accounts.domain import house_rules
from accounts.errors import RulesOutOfDate
from accounts.models import HouseRulesAcceptance, User
from accounts.selectors.house_rules import current_house_rules, has_accepted, house_rules_text
from accounts.services.house_rules import accept_house_rules

MOMENT = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture
def eve(db: None) -> User:
    """Who has accepted nothing yet."""
    return services.create_person(email="eve@example.org", password=None)


@pytest.mark.parametrize(("language", "title"), [("en", "Use what you book"), ("fr", "Utilisez ce que vous")])
def test_everybody_reads_them_in_their_language(client: Client, db: None, language: str, title: str) -> None:
    client.cookies["django_language"] = language
    page = client.get("/rules/").content.decode()
    assert title in page
    assert house_rules.digest(house_rules_text(1, language)) in page


def test_both_languages_say_the_same_number_of_things() -> None:
    english, french = (house_rules_text(1, language) for language in ("en", "fr"))
    assert re.findall(r"<[^>]+>", english) == re.findall(r"<[^>]+>", french)


def test_the_french_text_uses_the_words_of_the_site() -> None:
    """What the pages call a class and an allowance, its reader finds in the rules."""
    text = house_rules_text(1, "fr").lower()
    with translation.override("fr"):
        assert [
            word
            for word in (gettext("Class"), gettext("Universal allowance").split()[0])
            if word.lower() not in text
        ] == []
    assert re.findall(r"\b(?:classes?|allocations?)\b", text) == []


def test_the_digest_does_not_depend_on_how_lines_end() -> None:
    assert house_rules.digest("a\r\nb\n") == house_rules.digest("a\nb\n") != house_rules.digest("a b")


# Changing a text that somebody accepted would make a liar of the digest: a change is a new version.
@pytest.mark.parametrize(
    ("version", "language", "digest"),
    [
        (1, "en", "d4d25826d12a28fd172f706138433360092cc4418434a36ff3112bb28174c837"),
        (1, "fr", "d9b125da89dccd8759b6ec72dede3bf5c1f857dc685c5c4ed8f913d65a78d77e"),
    ],
)
def test_a_version_is_never_changed(version: int, language: str, digest: str) -> None:
    assert house_rules.digest(house_rules_text(version, language)) == digest


def test_accepting_keeps_which_text_was_shown(eve: User) -> None:
    eve.language = "fr"
    assert not has_accepted(eve)
    accept_house_rules(user=eve, version=1, at=MOMENT)
    assert has_accepted(eve)
    kept = HouseRulesAcceptance.objects.get()
    assert (kept.version, kept.accepted_at) == (1, MOMENT)
    assert kept.digest == current_house_rules("fr").digest != current_house_rules("en").digest


def test_accepting_twice_keeps_the_first(eve: User) -> None:
    accept_house_rules(user=eve, version=1, at=MOMENT)
    accept_house_rules(user=eve, version=1, at=MOMENT + timedelta(days=1))
    assert HouseRulesAcceptance.objects.get().accepted_at == MOMENT


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_than_the_one_in_force_is_not_accepted(eve: User, version: int) -> None:
    with pytest.raises(RulesOutOfDate, match="Version 1 of the house rules is in force"):
        accept_house_rules(user=eve, version=version, at=MOMENT)
    assert not HouseRulesAcceptance.objects.exists()
