"""All that the site knows of a person, to take along."""

from __future__ import annotations

from typing import ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.access import WITH_TOKEN
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.services import own_data
from common import clock


class ExportApi(PersonalApiView):
    """All that the site knows of you, as one JSON document."""

    access: ClassVar = {"GET": WITH_TOKEN}
    scopes: ClassVar = {"GET": scopes.ME}
    answers: ClassVar = {"GET": "application/json"}
    cache_control = "no-store"

    def get(self, request: Request) -> HttpResponseBase:
        """For tokens. A session asks at /me/data/, where it is asked again who it is."""
        pieces = own_data.export_json(user=self.person, at=clock.now())
        return StreamingHttpResponse(pieces, content_type="application/json")
