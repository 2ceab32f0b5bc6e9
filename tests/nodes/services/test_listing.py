"""Entering places and machines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from nodes.errors import ListingRefused
from nodes.models import Device, Node, Site
from nodes.services.listing import NewDevice, enter_node, enter_site
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
GIB = 1024**3
PLACE: dict[str, Any] = {
    "slug": "lyon", "name": "Lyon", "country": "FR", "electricity_zone": "FR", "time_zone": "Europe/Paris",
    "pue": Decimal("1.25"),
}  # fmt: skip


def enter(**changes: Any) -> Node:
    wanted: dict[str, Any] = {
        "slug": "lyon-h100", "name": "Lyon H100", "cpu_model": "Xeon", "cpu_cores": 112,
        "memory_bytes": 2048 * GIB,
        "devices": [NewDevice("gpu", "H100 SXM5", 80 * GIB)] * 3, "at": AT,
    }  # fmt: skip
    wanted |= changes
    owner = wanted.pop("owner", None) or factories.make_organisation()
    return enter_node(owner=owner, site=wanted.pop("site", None) or factories.make_site(), **wanted)


def test_a_node_is_listed_with_its_devices_numbered() -> None:
    node = enter()
    assert (node.state, node.listed_at) == (Node.State.LISTED, AT)
    assert [device.index for device in node.devices.all()] == [0, 1, 2]
    assert set(node.devices.values_list("model_key", flat=True)) == {"h100-sxm5-80"}


def test_a_device_may_keep_the_number_its_node_gives_it() -> None:
    node = enter(devices=[NewDevice("gpu", "L4", 24 * GIB, index=5)])
    assert node.devices.get().index == 5


def test_a_draft_is_not_shown_to_everybody() -> None:
    node = enter(listed=False)
    assert node.listed_at is None
    assert not Node.objects.listed().exists()


def test_a_taken_address_is_refused_and_leaves_nothing() -> None:
    enter()
    with pytest.raises(ListingRefused, match="The address “lyon-h100” is taken"):
        enter()
    assert Device.objects.count() == 3


def test_a_node_without_devices_is_refused() -> None:
    with pytest.raises(ListingRefused, match="without a device"):
        enter(devices=[])


def test_a_place_needs_an_address_of_its_own_and_a_possible_pue() -> None:
    enter_site(**PLACE)
    with pytest.raises(ListingRefused, match="“lyon” is taken"):
        enter_site(**PLACE)
    with pytest.raises(ListingRefused, match="PUE is 1 or more"):
        enter_site(**PLACE | {"slug": "mine", "pue": Decimal("0.9")})
    assert Site.objects.count() == 1


@pytest.mark.parametrize("kind", ["lab", "funder", "operator"])
def test_only_owners_list_nodes(kind: str) -> None:
    with pytest.raises(ListingRefused, match="does not own nodes"):
        enter(owner=factories.make_organisation(kind))


@pytest.mark.parametrize("listed", [True, False])
def test_an_owner_that_waits_for_a_steward_lists_nothing(listed: bool) -> None:
    owner = factories.make_organisation()
    owner.verified_at = None
    with pytest.raises(ListingRefused, match="a steward looks at it first") as refused:
        enter(owner=owner, listed=listed)
    assert refused.value.field == "owner"
    assert not Node.objects.exists()
