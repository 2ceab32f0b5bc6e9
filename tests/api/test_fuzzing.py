"""Thousands of calls that the schema allows, and as many that it forbids: no server error, no surprise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.conf import LazySettings, settings as configured
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings as bounds
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.domain import scopes
from accounts.services import tokens
from common import clock
from common.keys import make_key
from config.api import schema
from config.wsgi import application
from nodes.models import Node
from pricing.services import drafts, pool_drafts
from reservations.models import Run
from tests import factories
from tests.config.cast import taken_back
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node
from tests.reservations.views.running import Job

pytestmark = [
    pytest.mark.matrix,
    pytest.mark.django_db,
    # The client of werkzeug reads a file and leaves it open.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

DESCRIBED = {
    f"{method.upper()} {path}": operation
    for path, methods in schema()["paths"].items()
    for method, operation in methods.items()
}
OPERATIONS = list(DESCRIBED)
OPEN = {label for label, operation in DESCRIBED.items() if {} in operation["security"]}
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
OFTEN = bounds(
    max_examples=4, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


@dataclass(frozen=True)
class Described:
    """The site's description of its calls, and what schemathesis has learnt from it and from the code."""

    operations: dict[str, Any]
    learnt: FeedbackSources


@pytest.fixture(scope="module")
def described(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Described:
    with django_db_blocker.unblock():
        served = schemathesis.openapi.from_wsgi("/api/schema", application)
    found = [one.ok() for one in served.get_all_operations()]
    return Described(
        {operation.label: operation for operation in found},
        FeedbackSources(constants_value_source=make_constants_value_source(served)),
    )


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A person's secret, in a world whose things half of all calls are about: `known`."""
    # As Django's own test client does: the end of a request must not end the tests' transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    make_key(configured.DISPATCH_KEY_FILE)
    with django_db_blocker.unblock(), taken_back():
        lab, node = make_lab(), make_open_node()
        job = Job(lab).start().print("epoch 1\n").bring_back("out/result.csv", b"1,2\n").end()
        at = clock.now()
        token, secret = tokens.create(
            user=lab.member, name="fuzz", scopes=scopes.ALL, project=None,
            expires_at=at + timedelta(days=1), at=at,
        )  # fmt: skip
        known.update(_evidence(lab, node), **_known(lab, node, job.run))
        known["/me/tokens/"] = {"uid": str(token.uid)}
        yield secret
        known.clear()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(made: str, db: None, settings: LazySettings) -> str:
    settings.API_CALLS_PER_PERSON = settings.API_CALLS_PER_ADDRESS = 10**9
    return made


known: dict[str, dict[str, Any]] = {}  # by a part of the address, what stands for the names in it


def _known(lab: Lab, node: Node, run: Run) -> dict[str, Any]:
    booked = lab.book([node.devices.last()], in_days(4))
    return {
        "/nodes/": {"slug": node.slug, "number": 1},
        "/projects/": {"slug": lab.project.slug},
        "/reservations/": {"uid": str(booked.uid)},
        "/decisions/": {"uid": str(booked.decision.uid)},
        "/runs/": {"uid": str(run.uid), "name": "out/result.csv"},
        "/ledger/": {"index": 0},
    }


def _evidence(lab: Lab, node: Node) -> dict[str, Any]:
    """The member leads the node's owner: a file behind its statement, a pool and a draft."""
    factories.lead(node.owner, lab.member)
    evidence = factories.make_evidence(node.owner, lab.member, visibility="public")
    pool = factories.make_pool({node: "1"}, by=lab.member, evidence=[evidence]).pool
    draft = pool_drafts.start_draft(
        organisation=node.owner, typed={}, evidence=[], by=lab.member, at=clock.now()
    )
    begun = factories.make_node(slug="begun", owner=node.owner)
    drafts.start_draft(node=begun, by=lab.member, at=clock.now())
    return {
        "/statements/draft": {"slug": begun.slug},
        "/pool-drafts/": {"uid": str(draft.uid)},
        "/evidence/": {"uid": str(evidence.uid)},
        "/statements/": {"uid": str(node.statements.get().uid)},
        "/pools/": {"uid": str(pool.uid)},
        "/organisations/": {"slug": node.owner.slug},
    }


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    if not path_parameters or not known:
        return path_parameters
    if len(str(path_parameters)) % 2:  # half of them
        return path_parameters
    there: dict[str, Any] = {}
    for part, names in known.items():
        if part in context.operation.path:
            there = names | there
    return {**path_parameters, **{name: there[name] for name in path_parameters if name in there}}


def call(described: Described, label: str, **headers: str) -> None:
    """The cases are drawn now: drawn while tests are collected, as schemathesis does it by itself, they
    would cost every worker of every run some ten seconds."""

    def answers_as_described(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, headers=headers)

    operation = described.operations[label]
    calls = build_operation_test(
        config=operation.schema.config,
        operation=operation,
        test_func=answers_as_described,
        given_kwargs={},
        feedback=described.learnt,
        explicit_settings=OFTEN,
    )
    calls()


@pytest.mark.parametrize("label", OPERATIONS)
def test_anybody(described: Described, label: str, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if label not in OPEN:
        # Refused for want of a token before anything of it is read: forty calls, one for each limit of each
        # of its members, would be answered by one and the same line. A person's token goes through them all.
        coverage = described.operations[label].schema.config.phases.coverage
        monkeypatch.setattr(coverage, "enabled", False)
    call(described, label)


@pytest.mark.parametrize("label", OPERATIONS)
def test_a_person_by_token(described: Described, label: str, world: str) -> None:
    call(described, label, Authorization=f"Bearer {world}")


def test_every_call_that_is_described_is_tried(described: Described) -> None:
    assert sorted(described.operations) == sorted(OPERATIONS)
