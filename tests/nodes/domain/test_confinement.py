"""What a node confines jobs with, as an agent told of it, whatever it told."""

from __future__ import annotations

import pytest

from nodes.domain import confinement

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [f"docker.io/library/python@{DIGEST}", f"ghcr.io/a/b-c@{DIGEST}", f"localhost/x@{DIGEST}"]
    + [f"registry.example:5000/team/tool@{DIGEST}"],
)
def test_an_image_is_a_registry_a_name_and_a_digest(text: str) -> None:
    assert confinement.is_image(text)


@pytest.mark.parametrize(
    "text",
    ["", "python", f"python@{DIGEST}", "docker.io/library/python:3.12", f"docker.io/python:3@{DIGEST}"]
    + [f"docker.io/Python@{DIGEST}", f"docker.io/../x@{DIGEST}", f"docker.io/x@{DIGEST[:-1]}"]
    + [f"docker.io/x@{DIGEST}\n", f"--privileged@{DIGEST}", f"docker.io/{'x' * 200}@{DIGEST}"],
)
def test_anything_else_is_no_image(text: str) -> None:
    assert not confinement.is_image(text)


def test_a_node_that_told_nothing_has_what_it_is_listed_with_and_no_network() -> None:
    found = confinement.read("podman", {})
    assert found == confinement.Confinement(("podman",), ("none",), (), None)
    assert found.allows_image(f"anywhere.example/x@{DIGEST}")


def test_what_is_installed_is_offered_after_what_the_node_is_listed_with() -> None:
    told = {"runtimes": {"python3": "3.11", "docker": "27", "podman": "4.3", "bubblewrap": "0.8"}}
    assert confinement.read("podman", told).runners == ("podman", "bubblewrap", "docker")


def test_an_owners_rules_are_told_in_their_own_order() -> None:
    offers = {"networks": ["list", "none"], "network_list": ["pypi.org"], "images": ["ghcr.io/*"]}
    found = confinement.read("podman", {"offers": offers})
    assert (found.networks, found.hosts) == (("none", "list"), ("pypi.org",))
    assert found.allows_image(f"ghcr.io/me/tool@{DIGEST}")
    assert not found.allows_image(f"docker.io/library/python@{DIGEST}")


def notes(*codes: str) -> list[dict[str, object]]:
    return [{"code": code, "text": "", "values": {}} for code in codes]


WITH_IMAGE = {"runner": "podman", "image": f"docker.io/x@{DIGEST}"}


@pytest.mark.parametrize("code", ["no_image", "image_digest", "image_name", "image_shell"])
def test_a_refusal_of_a_jobs_image_is_its_own(code: str) -> None:
    assert confinement.is_asked_for(notes(code), WITH_IMAGE)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "owner_paused",
        "owner_network",
        "owner_image",
        "image_size",
        "image_late",
        "image_unfetched",
        "disk_low",
    ],
)
def test_any_other_refusal_is_the_nodes(code: str) -> None:
    assert not confinement.is_asked_for(notes(code), WITH_IMAGE)
    assert not confinement.is_asked_for(notes("no_image", code), WITH_IMAGE)


def test_a_job_without_an_image_is_not_refused_for_one_whatever_its_agent_tells() -> None:
    assert not confinement.is_asked_for(notes("no_image"), {"runner": "bubblewrap", "image": None})
    assert not confinement.is_asked_for([], WITH_IMAGE)


@pytest.mark.parametrize(
    "told",
    [{"offers": "all"}, {"offers": {"networks": "internet", "images": {"a": 1}, "network_list": [1]}}]
    + [{"runtimes": ["podman"], "offers": None}, {"offers": {"images": ["x" * 400]}}],
)
def test_what_is_no_list_of_texts_was_not_told(told: dict[str, object]) -> None:
    assert confinement.read("bubblewrap", told) == confinement.read("bubblewrap", {})
