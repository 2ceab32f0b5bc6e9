"""What a page does with a form or a button: the service acts, or refuses and the page says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from common.errors import DomainError


class Page(Protocol):
    """The page with the button, shown again with a sentence."""

    def __call__(self, *, problem: str, status: int) -> HttpResponse: ...


def press(
    request: HttpRequest, act: Callable[[], object], *, said: str, then: HttpResponse, again: Page
) -> HttpResponse:
    """Do what a button says and go on, or show its page again with why not."""
    try:
        act()
    except DomainError as refusal:
        return again(problem=refusal.message, status=refusal.status)
    messages.success(request, said)
    return then


def submit(form: forms.Form, act: Callable[[dict[str, Any]], object]) -> int | None:
    """Do what was typed; None: done. Else the form says what is wrong, and this is the page's status."""
    if not form.is_valid():
        return 400
    try:
        act(form.cleaned_data)
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return refusal.status
    return None
