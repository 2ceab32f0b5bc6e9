"""Nothing that a test has committed is met by another; what the database itself keeps goes, too."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from accounts.models import User
from pricing.models import CostStatement
from tests import factories


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_time", [1, 2])
def test_what_a_test_has_committed_is_gone_before_the_next(_time: int) -> None:
    assert User.objects.count() == CostStatement.objects.count() == rows() == 0
    assert Permission.objects.count() > 100
    factories.publish_prices(factories.make_node())
    assert CostStatement.objects.count() == 1


def rows() -> int:
    """In every table but those that are the same each time."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        found = 0
        for name in set(names) - {"django_content_type", "auth_permission"}:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            found += cursor.fetchone()[0]
    return found
