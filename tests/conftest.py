"""The cast. Their names are the permission matrix; no test mocks our own code."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import TransactionTestCase
from django.utils import timezone, translation
from hypothesis import HealthCheck, settings as examples

from accounts.models import User
from tests import emptying, factories
from tests.reservations.services.worlds import forget_the_moment

# How long an example takes says how busy the machine is, not whether the claim holds.
examples.register_profile("equinode", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("equinode")


# Thousands of tests are kept until the end: to look through them all, again and again, for what could be
# thrown away takes an eighth of the time.
gc.set_threshold(20_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """A worker of several leaves without a word, so that nothing is cleaned up by itself."""
    settings.SCRATCH.cleanup()


@pytest.fixture(scope="session", autouse=True)
def _emptied_in_a_moment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty)
        yield


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """A page read in French or in Kathmandu leaves neither language nor time zone to the tests after it."""
    with translation.override("en"), timezone.override(None):
        yield


@pytest.fixture(autouse=True)
def _cached_by_nobody_before() -> None:
    """What a page left in the cache must neither save a query elsewhere nor count as an attempt."""
    cache.clear()


@pytest.fixture(autouse=True)
def _days_counted_from_this_test_on() -> None:
    forget_the_moment()


@pytest.fixture
def ada(db: None) -> User:
    """Ada is a researcher: a member of the project that the test makes for her."""
    return factories.make_user("ada")


@pytest.fixture
def lena(db: None) -> User:
    """Lena leads a project."""
    return factories.make_user("lena")


@pytest.fixture
def omar(db: None) -> User:
    """Omar owns nodes."""
    return factories.make_user("omar")


@pytest.fixture
def mallory(db: None) -> User:
    """Mallory has an account and belongs to nothing of the others'."""
    return factories.make_user("mallory")
