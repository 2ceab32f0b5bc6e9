from __future__ import annotations

import pytest

from common import clock
from reservations.domain.policy import Policy
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.selectors.shares import share_tree
from reservations.services import shares, usage
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def test_a_path_leads_from_below_the_root_to_the_vertex_itself() -> None:
    root = shares.create_root(name="Equinode")
    programme = shares.create_account(parent=root, name="Programme", shares=3)
    lab = shares.create_account(parent=programme, name="Laboratory", shares=None)
    leaf = shares.create_project_vertex(parent=lab, project=factories.make_project(), shares=1)
    assert Vertex.objects.get(pk=root.pk).path == []
    assert Vertex.objects.get(pk=leaf.pk).path == [programme.pk, lab.pk, leaf.pk]


def test_the_tree_stays_a_tree() -> None:
    root = shares.create_root(name="Equinode")
    project = factories.make_project()
    leaf = shares.create_project_vertex(parent=root, project=project, shares=1)
    shares.create_account(parent=root, name="Programme", shares=1)
    for refused in (
        lambda: shares.create_root(name="Another"),
        lambda: shares.create_project_vertex(parent=root, project=project, shares=1),
        lambda: shares.create_account(parent=leaf, name="Below a project", shares=1),
        lambda: shares.create_account(parent=root, name="Programme", shares=2),
        lambda: shares.create_account(parent=root, name="Negative", shares=-1),
        lambda: shares.set_shares(vertex=root, shares=2),
    ):
        with pytest.raises(ShareRefused):
            refused()


def test_shares_can_change() -> None:
    root = shares.create_root(name="Equinode")
    account = shares.create_account(parent=root, name="Programme", shares=1)
    shares.set_shares(vertex=account, shares=None)
    assert Vertex.objects.get(pk=account.pk).shares is None


def test_the_tree_of_pages_counts_what_is_used_and_what_is_booked() -> None:
    node = make_open_node()
    busy, booked, idle = make_lab(), make_lab(), make_lab()
    usage.count_usage(reservation=busy.book([node.devices.first()], in_days(1), hours=8))
    booked.book([node.devices.last()], in_days(2), hours=1)
    found = share_tree(policy=Policy(), at=clock.now())
    assert found is not None
    keys = [found.key_of_project[lab.project.pk] for lab in (idle, booked, busy)]
    assert found.tree.order() == [[key] for key in keys]
    assert found.names[keys[0]] == idle.project.name


def test_before_it_is_planted_there_is_no_tree() -> None:
    assert share_tree(policy=Policy(), at=clock.now()) is None
