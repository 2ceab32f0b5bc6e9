"""The house rules, for everybody to read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from accounts.access import ANYONE
from accounts.selectors.house_rules import current_house_rules
from common.access import guard


@guard(ANYONE)
def rules(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/rules.html", {"rules": current_house_rules(get_language() or "en")})
