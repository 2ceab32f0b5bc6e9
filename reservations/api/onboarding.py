"""The house rules, and the first step of who has just signed up."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import get_language
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.selectors import house_rules
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.shapes import Shape
from common.api.view import ApiView
from reservations.services import onboarding


class RulesShape(Shape):
    version = serializers.IntegerField()
    html = serializers.CharField(help_text="In the language of the answer.")
    digest = serializers.CharField(help_text="SHA-256 of the text.")

    example: ClassVar = {
        "version": 1,
        "html": "<p>Use what you book…</p>",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }


class WelcomeMembers(Members):
    name = serializers.CharField(max_length=150, help_text="Yours.")
    rules_version = serializers.IntegerField(
        min_value=0, max_value=10_000, help_text="The house rules that you have read and accept."
    )
    project_name = serializers.CharField(
        max_length=150, default="", allow_blank=True,
        help_text="Of your personal project; everybody can read it.",
    )  # fmt: skip

    example: ClassVar = {"name": "Ada Moreau", "rules_version": 1, "project_name": "Folding at home"}


class WelcomedShape(Shape):
    project = serializers.SlugField(help_text="Your personal project.")
    rules_version = serializers.IntegerField()

    example: ClassVar = {"project": "folding-at-home", "rules_version": 1}


class RulesApi(ApiView):
    """The house rules in force."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": RulesShape}

    def get(self, request: Request) -> Response:
        rules: Any = house_rules.current_house_rules(get_language() or "en")
        return Response({name: getattr(rules, name) for name in ("version", "html", "digest")})


class WelcomeApi(PersonalApiView):
    """Accept the house rules and get a personal project with this month’s allowance."""

    access: ClassVar = {"POST": SIGNED_IN}
    scopes: ClassVar = {"POST": scopes.ME}
    bodies: ClassVar = {"POST": WelcomeMembers}
    answers: ClassVar = {"POST": WelcomedShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request) -> Response:
        """Doing it again changes nothing but the name."""
        project = onboarding.welcome(user=self.person, at=clock.now(), **self.body)
        return Response({"project": project.slug, "rules_version": self.body["rules_version"]})
