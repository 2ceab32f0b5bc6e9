from __future__ import annotations

from functools import partial

import pytest

from accounts.errors import StewardActRefused
from accounts.models import User
from accounts.services import stewarding
from common import clock
from tests import factories
from tests.races import at_once, split


@pytest.mark.django_db(transaction=True)
def test_of_two_stewards_who_close_each_other_at_once_one_stays() -> None:
    for _again in range(5):
        one, other = (factories.make_user(is_steward=True) for _each in range(2))
        close = partial(stewarding.close_person, reason="x", at=clock.now())
        done, refused = split(
            at_once(partial(close, person=one, by=other), partial(close, person=other, by=one))
        )
        assert len(done) == 1
        assert {type(answer) for answer in refused} == {StewardActRefused}
        assert User.objects.filter(pk__in=[one.pk, other.pk], is_active=True).count() == 1
