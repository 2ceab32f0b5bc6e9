"""The site's own addresses, and beside them the least that an API of this kind can do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.urls import path
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import urlpatterns as site_urlpatterns
from nodes.models import AgentCall


class Row(serializers.ModelSerializer[AgentCall]):
    class Meta:
        model = AgentCall
        fields = ("token_id", "expires_at")
        # Or it would first ask whether there is such a row: the constraint says so anyway.
        extra_kwargs: ClassVar[dict[str, Any]] = {"token_id": {"validators": []}}


class OneInsert(APIView):
    """One checked row in one transaction, for whoever is signed in."""

    def post(self, request: Request) -> Response:
        row = Row(data=request.data)
        row.is_valid(raise_exception=True)
        with transaction.atomic():
            row.save()
        return Response(row.data, status=201)


class OneInsertForAnybody(OneInsert):
    """The same without a session: no cookie is read, nobody is looked up."""

    authentication_classes: list[Any] = []
    permission_classes = (AllowAny,)


urlpatterns = [
    *site_urlpatterns,
    path("bench/insert/", OneInsert.as_view()),
    path("bench/open-insert/", OneInsertForAnybody.as_view()),
]
