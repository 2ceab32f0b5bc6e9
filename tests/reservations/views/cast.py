"""Everybody who might come to a page about a project, signed in one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client

from accounts.models import Project, ProjectMembership, User
from reservations.models import Reservation
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_open_node


@dataclass(frozen=True)
class Cast:
    project: Project
    member: User
    lead: User
    outsider: User
    steward: User

    def signed_in(self, who: str) -> Client:
        """A browser of a stranger, outsider, member, lead or steward."""
        client = Client()
        if who != "stranger":
            client.force_login(getattr(self, who))
        return client

    def statuses(self, method: str, address: str, data: dict[str, object] | None = None) -> dict[str, int]:
        """What each is answered; the lead last, so that others are not refused for what they changed."""
        everybody = ("steward", "stranger", "outsider", "member", "lead")
        return {who: self._status(who, method, address, data or {}) for who in everybody}

    def _status(self, who: str, method: str, address: str, data: dict[str, object]) -> int:
        answer = getattr(self.signed_in(who), method)(address, data)
        if answer.streaming:
            b"".join(answer)  # read to its end a file is closed
        return answer.status_code

    def book(self, days: float = 2) -> Reservation:
        """The member books a slot of two hours in some days."""
        lab = Lab(self.project, self.member, factories.make_vertex(self.project))
        if not self.project.grants.exists():
            factories.make_grant(self.project, "1000")
        return lab.book([make_open_node().devices.get(index=0)], in_days(days))


def make_cast(**fields: object) -> Cast:
    member, lead = factories.make_user("mila"), factories.make_user("leo")
    project = factories.make_project(member, lead=lead, **fields)
    outsider = factories.make_user("otto")
    other = factories.make_project(lead=outsider)
    assert ProjectMembership.objects.filter(project=other, user=outsider).exists()
    steward = factories.give_second_factor(factories.make_user("stella", is_steward=True))
    return Cast(project, member, lead, outsider, steward)
