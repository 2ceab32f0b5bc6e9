"""Times as people type and read them: local, with their zone. The site gets and gives UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from equinode_cli.errors import Misused
from equinode_cli.words import _

QUARTER = timedelta(minutes=15)  # slots end on these marks
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def zone_named(name: str | None) -> tzinfo | None:
    """None is the zone of this machine."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise Misused(
            _("There is no time zone “%(name)s”. One looks like Europe/Paris, or UTC.") % {"name": name}
        ) from exc


def moment_typed(text: str, zone: tzinfo | None, now: datetime) -> datetime:
    """`2026-11-24 14:00`, `14:00` (the next one), `2026-11-24T14:00+01:00`, `…Z`; `now` is `now`."""
    text = text.strip()
    if text == "now":
        return now
    if found := _CLOCK.fullmatch(text):
        return _next_clock(time(int(found[1]), int(found[2])), zone, now)
    try:
        typed = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Misused(
            _("“%(text)s” is not a time. Write 2026-11-24 14:00, 14:00, 2026-11-24T14:00+01:00 or now.")
            % {"text": text}
        ) from exc
    return (_local(typed, zone) if typed.tzinfo is None else typed).astimezone(UTC)


def _next_clock(clock: time, zone: tzinfo | None, now: datetime) -> datetime:
    today: date = now.astimezone(zone).date()
    for day in (today, today + timedelta(days=1)):
        found = _local(datetime.combine(day, clock), zone).astimezone(UTC)
        if found > now:
            return found
    raise AssertionError("one of two days has it ahead")


def _local(typed: datetime, zone: tzinfo | None) -> datetime:
    """Twice a year a local time is none, or is two: then it must be said which."""
    first, second = (_at(typed.replace(fold=fold), zone) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None, fold=0) != typed.replace(fold=0):
        raise Misused(
            _("%(time)s does not exist in that zone: clocks are put forward then.") % {"time": _plain(typed)}
        )
    raise Misused(
        _("%(time)s comes twice in that zone: write %(first)s or %(second)s.")
        % {"time": _plain(typed), "first": _with_offset(first), "second": _with_offset(second)}
    )


def _at(typed: datetime, zone: tzinfo | None) -> datetime:
    return typed.astimezone() if zone is None else typed.replace(tzinfo=zone)


def _plain(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _with_offset(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def to_quarter(moment: datetime) -> datetime:
    """The next quarter of an hour, or this one."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole + -((whole - moment) // QUARTER) * QUARTER


def sent(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def received(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shown(text: str | None, zone: tzinfo | None = None) -> str:
    """`2026-11-24 14:00 CET`, or a dash."""
    if text is None:
        return "–"
    return received(text).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def span(start: str, end: str, zone: tzinfo | None = None) -> str:
    """`2026-11-24 14:00 – 18:00 CET`; the day of the end only where it is another."""
    first, last = received(start).astimezone(zone), received(end).astimezone(zone)
    days = "%H:%M" if first.date() == last.date() else "%Y-%m-%d %H:%M"
    return f"{first:%Y-%m-%d %H:%M} – {last:{days}} {last:%Z}"


def lasting(seconds: float) -> str:
    """`2 h 30 min`, `45 s`."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": round(seconds)}
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes % 60 == 0:
        return _("%(hours)d h") % {"hours": minutes // 60}
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def clock_now() -> str:
    """Of this machine, as all times: `14:00:14 CET`."""
    return f"{datetime.now(UTC).astimezone():%H:%M:%S %Z}"
