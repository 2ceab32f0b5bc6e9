"""Prices for other programs."""

from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from pricing.forms import PriceFilterForm
from pricing.selectors import open_data
from pricing.selectors.prices import prices


class PriceListApi(APIView):
    """GET /api/v1/prices: the same figures as /prices.json, with the same filters."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        wanted = PriceFilterForm(request.query_params).wanted()
        return Response(open_data.prices_json(prices(wanted=wanted, at=clock.now())))
