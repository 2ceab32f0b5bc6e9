"""Filters of this project: how a value is written. The writing itself is in `common.formats`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from common import formats
from pricing.wording.reasons import full_stop, reason_told

register = template.Library()

register.filter("number", formats.number)
register.filter("device_hours", formats.device_hours)
register.filter("signed", formats.signed)
register.filter("percent", formats.percent)
register.filter("signed_percent", formats.signed_percent)
register.filter("money", formats.money)
register.filter("moment", formats.moment)
register.filter("moment_with_year", formats.moment_with_year)
register.filter("second_in_utc", formats.second_in_utc)
register.filter("day", formats.day)
register.filter("long_day", formats.long_day)
register.filter("month", formats.month)
register.filter("clock", formats.clock_time)
register.filter("clock_seconds", formats.clock_seconds)
register.filter("duration", formats.duration)
register.filter("size", formats.size)
register.filter("memory", formats.memory)
register.filter("digest", formats.digest)
register.filter("country", formats.country)
register.filter("reason_told", reason_told)
register.filter("full_stop", full_stop)

register.simple_tag(formats.zone_name, name="zone_name")
register.simple_tag(formats.colon, name="colon")


@register.filter("json")
def as_json(value: object) -> str:
    """For a data-* attribute that a script reads; escaped like any text."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def linked_data(value: object) -> SafeString:
    """schema.org's words (JSON-LD) for who reads pages by program. No browser runs a script of this type."""
    return format_html('<script type="application/ld+json">{}</script>', in_script(value))


def in_script(value: object) -> SafeString:
    """JSON that cannot end the element that it stands in, whatever its texts hold."""
    text = json.dumps(value, ensure_ascii=False)
    return mark_safe(text.translate({ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&"}))  # noqa: S308


@register.filter
def instant(value: datetime) -> str:
    """`2026-11-24T09:42:00Z`: for attributes and scripts, never for reading."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag
def when(value: datetime | None, style: str = "moment") -> SafeString | str:
    """`<time>` with the exact instant inside and the reader's own writing of it outside.

    `style` is the name of a function of `common.formats`: moment, moment_with_year, day,
    long_day, clock_time or clock_seconds.
    """
    if value is None:
        return formats.NOTHING
    return format_html('<time datetime="{}">{}</time>', instant(value), getattr(formats, style)(value))
