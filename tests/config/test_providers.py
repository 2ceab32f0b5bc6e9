"""Who else may say who somebody is, as the operator writes it down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.providers import read_providers

ONE: dict[str, Any] = {
    "id": "oidc",
    "name": "University",
    "issuer": "https://id.example",
    "client_id": "c",
    "client_secret": "s",
    "trust_email": False,
}
NOBODY = ONE | {"name": "", "issuer": "", "client_id": "", "client_secret": ""}


def test_without_an_issuer_there_is_none() -> None:
    assert read_providers(NOBODY, "") == {}


def test_one_by_its_variables_and_more_as_json() -> None:
    other = ONE | {"id": "cnrs", "issuer": "https://other.example"}
    providers = read_providers(ONE, json.dumps([other]))
    assert list(providers) == ["oidc", "cnrs"]
    assert not providers["oidc"].trust_email


@pytest.mark.parametrize(
    "change",
    [{"id": "a/b"}, {"id": ""}, {"issuer": "http://id.example"}, {"name": ""}, {"client_id": ""},
     {"client_secret": ""}],
)  # fmt: skip
def test_what_could_not_work_stops_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC"):
        read_providers(ONE | change, "")


@pytest.mark.parametrize("text", ["{", "{}x", '[{"id": "a"}]', '["a"]', "7"])
def test_what_is_no_list_of_providers_stops_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS"):
        read_providers(NOBODY, text)


def test_two_of_one_id_stop_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="same id"):
        read_providers(ONE, json.dumps([ONE]))


def test_plain_http_is_for_this_machine_only() -> None:
    assert read_providers(ONE | {"issuer": "http://localhost:9000"}, "")
