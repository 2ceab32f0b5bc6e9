"""The database's own last words that need no service to be tested."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError

from common import clock
from common.ids import uuid7
from common.ranges import between
from nodes.models import Hold
from tests import factories


@pytest.mark.django_db
def test_two_holds_cannot_overlap_on_a_device() -> None:
    device = factories.make_node().devices.get(index=0)
    now = clock.now()
    hour = timedelta(hours=1)
    Hold.objects.create(device=device, during=between(now, now + hour), reference="a", kind="reservation")
    Hold.objects.create(
        device=device, during=between(now + hour, now + 2 * hour), reference="b", kind="owner"
    )
    with pytest.raises(IntegrityError, match="holds_do_not_overlap"):
        Hold.objects.create(
            device=device, during=between(now + hour / 2, now + hour), reference="c", kind="closure"
        )


def test_uuid7_is_version_7_and_grows_with_time() -> None:
    values = [uuid7() for _ in range(3)]
    assert {value.version for value in values} == {7}
    assert [value.int >> 80 for value in values] == sorted(value.int >> 80 for value in values)
