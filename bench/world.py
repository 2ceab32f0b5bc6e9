"""A site to measure: priced nodes, a policy, and projects with room and money, one person each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.db import connection

from accounts.models import Project, User
from common import clock
from nodes.domain.intervals import next_mark
from nodes.models import Device
from reservations.domain.policy import standard
from reservations.services import capacity
from tests import factories
from tests.live import LiveSite


@dataclass(frozen=True)
class Researcher:
    """Somebody who is signed in and books for a project of their own."""

    user: User
    project: Project
    session: str


@dataclass(frozen=True)
class World:
    site: LiveSite
    devices: list[Device]
    researchers: list[Researcher]
    first_slot: datetime  # a mark beyond the next 24 hours, so that every rule counts


@contextmanager
def pointed_at(site: LiveSite) -> Iterator[None]:
    """The models read and write the live site's database."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = site.database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


@contextmanager
def world(*, nodes: int, devices: int, researchers: int) -> Iterator[World]:
    """A fresh site on its own database, with the models pointed at it."""
    site = LiveSite("bench")
    try:
        site.environment["SECRET_KEY"] = settings.SECRET_KEY  # or it would not know our sessions
        site.prepare(seed=False)
        # Sessions where the served site looks for them, not in this process's memory.
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        with pointed_at(site):
            yield _populated(site, nodes, devices, researchers)
    finally:
        site.stop()


def _populated(site: LiveSite, nodes: int, devices: int, researchers: int) -> World:
    factories.make_policy(**vars(standard()))  # as a fresh site: the floor and commerce are counted too
    for _ in range(nodes):
        factories.publish_prices(factories.make_node(devices=devices))
    people = [_researcher() for _ in range(researchers)]
    at = clock.now()
    capacity.measure(at=at)
    return World(site, list(Device.objects.order_by("id")), people, next_mark(at + timedelta(hours=30)))


def _researcher() -> Researcher:
    user = factories.make_user()
    project = factories.make_project(user)
    factories.make_grant(project, "1000000")
    factories.make_vertex(project)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return Researcher(user, project, session.session_key or "")
