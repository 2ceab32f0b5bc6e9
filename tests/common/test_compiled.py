"""What Django would find, found without working out the query again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet, Value

from accounts.models import ApiToken, User
from accounts.services import tokens
from common.compiled import Compiled
from tests import factories
from tests.config.cast import make_secret
from tests.races import at_once

pytestmark = pytest.mark.django_db


def test_it_finds_the_row_with_what_comes_along(ada: User) -> None:
    make_secret(ada, "read")
    found: Any = Compiled(
        lambda value: ApiToken.objects.select_related("user").annotate(seven=Value(7)).filter(user=value)
    ).first(ada.pk)
    assert found is not None
    assert found == ApiToken.objects.get()
    assert (found.scopes, found.expires_at) == (["read"], ApiToken.objects.get().expires_at)
    assert found.seven == 7
    assert "user" in found._state.fields_cache
    assert found.user == ada


def test_the_query_is_worked_out_once_and_asked_each_time(
    ada: User, lena: User, django_assert_num_queries: Any
) -> None:
    built = []

    def by_email(value: Any) -> QuerySet[User]:
        built.append(value)
        return User.objects.filter(email=value)

    people = Compiled(by_email)
    with django_assert_num_queries(3):
        found = [people.first(email) for email in (ada.email, lena.email, "nobody@example.org")]
    assert found == [ada, lena, None]
    assert len(built) == 1
    User.objects.filter(pk=ada.pk).update(name="Ada Lovelace")
    again = people.first(ada.email)
    assert again is not None
    assert again.name == "Ada Lovelace"


@pytest.mark.parametrize("value", ["' OR true --", "%s", "%(x)s", "\\"])
def test_a_value_is_only_ever_a_value(ada: User, value: str) -> None:
    people = Compiled(lambda name: User.objects.filter(name=name))
    assert people.first(value) is None
    User.objects.filter(pk=ada.pk).update(name=value)
    assert people.first(value) == ada


@pytest.mark.django_db(transaction=True)
def test_threads_ask_for_themselves() -> None:
    people = [factories.make_user() for _ in range(6)]
    by_pk = Compiled(lambda pk: User.objects.filter(pk=pk))
    assert at_once(*[lambda pk=one.pk: by_pk.first(pk) for one in people]) == people


def test_a_token_brings_its_person_in_one_query(ada: User, django_assert_num_queries: Any) -> None:
    secret = make_secret(ada, "read")
    at = ApiToken.objects.get().created_at
    assert tokens.recognise(secret=secret, at=at) is not None  # and notes that it was used
    with django_assert_num_queries(1):
        assert tokens.recognise(secret=secret, at=at).user == ada
