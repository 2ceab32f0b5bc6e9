"""Exchange rates for amounts of several days: the latest on or before each, named, of seven days at most."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from common.prepared import prepared
from pricing.domain.market.comparing import RATE_DAYS, Dated

# For each pair the rate that holds: the latest day, and of that day the import that came last.
_RATES = """
    SELECT wanted.currency, wanted.day, found.per_eur, found.on, found.source
      FROM unnest(%(currencies)s::text[], %(days)s::date[]) AS wanted (currency, day)
      JOIN LATERAL (
        SELECT rate.per_eur, rate.on, import.source
          FROM pricing_exchangerate rate
          JOIN pricing_marketimport import ON import.id = rate.came_with_id
         WHERE rate.currency = wanted.currency
           AND rate.on BETWEEN wanted.day - %(reach)s::integer AND wanted.day
           AND import.at <= %(at)s::timestamptz
         ORDER BY rate.on DESC, rate.id DESC
         LIMIT 1
      ) AS found ON true
"""


def rates_for(wanted: Collection[tuple[str, date]], *, at: datetime) -> Mapping[tuple[str, date], Dated]:
    """By currency and day, as known at a moment; one query. Euros need none."""
    foreign = sorted({pair for pair in wanted if pair[0] != "EUR"})
    if not foreign:
        return {}
    with prepared() as cursor:
        cursor.execute(
            _RATES,
            {
                "currencies": [currency for currency, _day in foreign],
                "days": [day for _currency, day in foreign],
                "reach": RATE_DAYS,
                "at": at,
            },
        )
        return {
            (currency, day): Dated(currency, per_eur, on, source)
            for currency, day, per_eur, on, source in cursor.fetchall()
        }
