"""Where a job may ask to run and what it may ask to reach: from the form to the signed specification."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from common import clock
from nodes.models import Agent, Lease, Node
from reservations.domain.jobs import Terms
from reservations.errors import RunRefused
from reservations.models import Run
from reservations.services import dispatch
from tests.reservations.services.test_runs import node_of, queue, slot

IMAGE = "docker.io/library/python@sha256:" + "ab" * 32
TOLD = {
    "runtimes": {"bubblewrap": "0.8", "podman": "4.3"},
    "offers": {"networks": ["none", "list"], "network_list": ["pypi.org"], "images": ["docker.io/*"]},
}


def told(node: Node, inventory: dict[str, Any] | None = None) -> None:
    Agent.objects.create(
        node=node, public_key="k" * 44, version="0.1.0", enrolled_at=clock.now(),
        inventory=TOLD if inventory is None else inventory,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("terms", "field", "sentence"),
    [
        (Terms(runner="podman"), "image", "Name the image"),
        (Terms(runner="podman", image="python:3.12"), "image", "“python:3.12” is not an image by its digest"),
        (Terms(image=IMAGE), "image", "Only a job under Podman or Docker has an image"),
        (Terms(runner="bubblewrap", image=IMAGE), "image", "Only a job under Podman or Docker"),
        (Terms(network="everything"), "network", "There is no network “everything”"),
        (Terms(runner="docker", image=IMAGE), "runner", "under Docker. It has: bubblewrap, Podman."),
        (Terms(network="internet"), "network", "Allowed: no network, the hosts on the owner’s list."),
        (
            Terms(runner="podman", image=IMAGE.replace("docker.io", "quay.io")),
            "image",
            "does not allow this image. Allowed: docker.io/*.",
        ),
    ],
)
def test_what_a_node_does_not_have_is_refused_before_it_is_queued(
    ada: User, terms: Terms, field: str, sentence: str
) -> None:
    reservation = slot(ada)
    told(node_of(reservation))
    with pytest.raises(RunRefused) as refused:
        queue(reservation, ada, terms=terms)
    assert refused.value.field == field
    assert sentence in refused.value.message
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_what_was_asked_for_is_what_is_signed(ada: User) -> None:
    now = clock.now()
    reservation = slot(ada, start=now + timedelta(minutes=3), devices=1)
    node = node_of(reservation)
    told(node)
    run = queue(reservation, ada, terms=Terms(runner="podman", image=IMAGE, network="list"))
    assert dispatch.dispatch_due(at=now) == 1
    signed = Lease.objects.get(reference=run.reference).specification
    assert (signed["runner"], signed["image"], signed["network"]) == ("podman", IMAGE, "list")
    assert signed["limits"]["cpus"] == node.cpu_cores / 2  # one device of two


@pytest.mark.django_db
def test_a_node_whose_agent_told_nothing_has_no_network_and_what_it_is_listed_with(ada: User) -> None:
    reservation = slot(ada)
    told(node_of(reservation), {})
    with pytest.raises(RunRefused, match="Allowed: no network."):
        queue(reservation, ada, terms=Terms(network="internet"))
    with pytest.raises(RunRefused, match="It has: bubblewrap."):
        queue(reservation, ada, terms=Terms(runner="podman", image=IMAGE))
    Node.objects.update(runner="podman")
    assert queue(reservation, ada, terms=Terms(image=IMAGE)).image == IMAGE
    with pytest.raises(RunRefused, match="Name the image"):
        queue(reservation, ada)
