"""Accounts of the share tree that organisations have: a steward gave them, their shares as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.models import Organisation, StewardAct, User
from reservations.management.example_world import people, projects
from reservations.models import Vertex
from reservations.services import entrusting


def entrust(organisations: Mapping[str, Organisation], *, by: Mapping[str, User], at: datetime) -> None:
    """Once: what a steward has taken back since is not given again."""
    for row in projects.ACCOUNTS:
        organisation = organisations.get(row.organisation)
        account = Vertex.objects.filter(name=row.name, project=None, organisation=None).first()
        given = StewardAct.objects.filter(organisation=organisation, act=StewardAct.Act.ACCOUNT_GIVEN)
        if organisation is not None and account is not None and not given.exists():
            entrusting.entrust(
                organisation=organisation, account=account, count=None, reason=projects.ENTRUSTED_FOR,
                by=by[people.STEWARD], at=at,
            )  # fmt: skip
