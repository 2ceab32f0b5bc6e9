"""A live site with one node, one agent and nothing else, to be killed in the middle of its work."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from nodes.models import Device, Node
from tests import factories
from tests.live import LiveSite

NODE = "chaos"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.chaos)


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[LiveSite]:
    """Web, worker, beat, broker and an agent, each a process that can be killed by itself."""
    run, worker = os.environ.get("TEST_RUN", str(os.getpid())), os.environ.get("PYTEST_XDIST_WORKER", "gw")
    live = LiveSite(f"chaos_{run}_{worker}")
    usual, broker = connection.settings_dict["NAME"], settings.REDIS_URL
    try:
        live.prepare(seed=False)
        with django_db_blocker.unblock():
            connection.close()
            connection.settings_dict["NAME"], settings.REDIS_URL = live.database, live.redis_url
            factories.make_policy()
            # No more than any machine is that runs this: what its agent finds is held against it.
            node = factories.make_node(
                slug=NODE, devices=1, cpu_model="", cpu_cores=1, memory_bytes=factories.GIB
            )
            factories.publish_prices(node)
            Device.objects.update(kind=Device.Kind.HOST)
            live.start("web", "worker", "beat")
            live.start_agent(NODE)
            yield live
    finally:
        connection.close()
        connection.settings_dict["NAME"], settings.REDIS_URL = usual, broker
        live.stop()


@pytest.fixture
def node(site: LiveSite) -> Node:
    return Node.objects.get(slug=NODE)
