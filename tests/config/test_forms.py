"""What forms say of themselves."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from django import forms

import accounts.forms
import reservations.forms

MODULES = [
    *(f"accounts.forms.{one.name}" for one in pkgutil.iter_modules(accounts.forms.__path__)),
    *(f"reservations.forms.{one.name}" for one in pkgutil.iter_modules(reservations.forms.__path__)),
    "pricing.forms.funding",
]
# Words of allauth, which writes its own sentences, and choices that a page always sends.
ELSEWHERE = {"accounts.forms.signing_in", "accounts.forms.passwords", "accounts.forms.person"}


def missing_ones(module: str) -> Iterator[str]:
    """Fields that cannot be left out, and would say no more than Django does of any field."""
    for name, form in inspect.getmembers(importlib.import_module(module), inspect.isclass):
        if issubclass(form, forms.BaseForm) and form.__module__ == module:
            for label, field in form.base_fields.items():
                is_asked = field.required and not isinstance(field.widget, forms.HiddenInput)
                if (
                    is_asked
                    and field.error_messages["required"] == forms.Field.default_error_messages["required"]
                ):
                    yield f"{name}.{label}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - ELSEWHERE))
def test_a_field_that_was_left_out_says_what_belongs_there(module: str) -> None:
    assert list(missing_ones(module)) == []
