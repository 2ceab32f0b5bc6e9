"""One plain function per thing that tests need; every argument has a default."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organisation, OrganisationMembership, Project, ProjectMembership, User
from common import clock
from common.ranges import between
from nodes.models import Device, Node, Site
from pricing.models import Grant

_numbers = itertools.count(1)
GIB = 1024**3


def make_user(name: str = "", **fields: Any) -> User:
    name = name or f"person{next(_numbers)}"
    return User.objects.create_user(
        f"{name}@example.org", "correct horse battery", name=name.title(), **fields
    )


def make_organisation(
    kind: str = Organisation.Kind.OWNER, *, lead: User | None = None, **fields: Any
) -> Organisation:
    number = next(_numbers)
    fields = {"slug": f"organisation-{number}", "name": f"Organisation {number}", "country": "FR"} | fields
    organisation = Organisation.objects.create(kind=kind, verified_at=clock.now(), **fields)
    if lead is not None:
        OrganisationMembership.objects.create(organisation=organisation, user=lead, role="lead")
    return organisation


def make_project(*members: User, lead: User | None = None, **fields: Any) -> Project:
    number = next(_numbers)
    fields = {"slug": f"project-{number}", "name": f"Project {number}", "project_class": "research"} | fields
    project = Project.objects.create(**fields)
    for member in members:
        ProjectMembership.objects.create(project=project, user=member)
    if lead is not None:
        ProjectMembership.objects.create(project=project, user=lead, role="lead")
    return project


def make_site(**fields: Any) -> Site:
    number = next(_numbers)
    fields = {
        "slug": f"site-{number}", "name": f"Site {number}", "country": "FR", "electricity_zone": "FR",
        "time_zone": "Europe/Paris", "pue": Decimal("1.25"),
    } | fields  # fmt: skip
    return Site.objects.create(**fields)


def make_node(
    *, devices: int = 2, model: str = "H100 SXM5", owner: Organisation | None = None, **fields: Any
) -> Node:
    """A listed node with `devices` GPUs, no statement, no tariff and no agent yet."""
    number = next(_numbers)
    fields = {
        "slug": f"node-{number}", "name": f"Node {number}", "state": Node.State.LISTED, "cpu_model": "EPYC 9334",
        "cpu_cores": 64, "memory_bytes": 512 * GIB, "listed_at": clock.now(),
    } | fields  # fmt: skip
    node = Node.objects.create(
        owner=owner or make_organisation(), site=fields.pop("site", None) or make_site(), **fields
    )
    key = f"{model.lower().replace(' ', '-')}-80"
    for index in range(devices):
        Device.objects.create(
            node=node, index=index, kind="gpu", model=model, memory_bytes=80 * GIB, model_key=key
        )
    return node


def make_grant(project: Project, amount: str = "1000", **fields: Any) -> Grant:
    now = clock.now()
    fields = {
        "name": "Grant 1", "purpose": "Research", "valid": between(now - timedelta(days=30), now + timedelta(days=300)),
        "created_at": now,
    } | fields  # fmt: skip
    funder = fields.pop("funder", None) or make_organisation(Organisation.Kind.FUNDER)
    return Grant.objects.create(project=project, funder=funder, amount=Decimal(amount), **fields)
