"""How numbers, money, times and lengths of time are written for a person, in their language.

Pure text: what to show and how precisely is decided by the caller. The language is the active one
(English or French), the time zone the reader's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

from babel import Locale, dates
from django.utils import timezone
from django.utils.translation import get_language, gettext

Number = Decimal | int | float | str

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# French puts a narrow no-break space between groups of digits and before high punctuation,
# the per-cent sign and the currency (Lexique des règles typographiques, Imprimerie nationale).
NARROW = "\N{NARROW NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
# Of a sum that is refused and has to be told all the same.
_DIGITS = Context(prec=60)
FIRST_OF_MONTH = re.compile(r"\b1 (?=[^\W\d])")


def is_french() -> bool:
    return (get_language() or "en").startswith("fr")


def number(value: Number | None, places: int | None = None) -> str:
    """`1,378.16`, in French `1 378,16`. Without `places` it keeps the digits it has."""
    if value is None:
        return NOTHING
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if places is not None:
        exact = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_DIGITS)
    text = f"{abs(exact):,f}"
    if is_french():
        text = text.replace(",", NARROW).replace(".", ",")
    return f"{MINUS}{text}" if exact < 0 else text


def device_hours(value: Number | None, places: int | None = None) -> str:
    """`20 device-hours`, `1 device-hour`; in French all that is below two is one: `1,50 heure-appareil`."""
    if value is None:
        return NOTHING
    hours = number(value, places)
    is_one = abs(Decimal(str(value))) < 2 if is_french() else hours == "1"
    sentence = gettext("%(hours)s device-hour") if is_one else gettext("%(hours)s device-hours")
    return sentence % {"hours": hours}


def signed(value: Number | None, places: int | None = None) -> str:
    """`+0.09` or `−0.05`; zero has no sign."""
    text = number(value, places)
    is_positive = not text.startswith((MINUS, NOTHING)) and any(digit in "123456789" for digit in text)
    return f"+{text}" if is_positive else text


def percent(ratio: Number | None, places: int = 1) -> str:
    """A ratio as a percentage: 0.374 is `37.4 %`."""
    if ratio is None:
        return NOTHING
    return f"{number(_hundredfold(ratio), places)}{_unit_space()}%"


def signed_percent(ratio: Number | None, places: int = 1) -> str:
    """`+8.2 %` or `−37.4 %`."""
    if ratio is None:
        return NOTHING
    return f"{signed(_hundredfold(ratio), places)}{_unit_space()}%"


def money(value: Number | None, places: int = 2, currency: str = "EUR") -> str:
    """`EUR 16.78`, in French `16,78 €`."""
    if value is None:
        return NOTHING
    amount = number(value, places)
    if not is_french():
        return f"{currency}{NO_BREAK}{amount}"
    return f"{amount}{NARROW}{'€' if currency == 'EUR' else currency}"


def moment(value: datetime | None) -> str:
    """`Tue 24 Nov, 14:00` in the reader's time zone."""
    return _dated(value, "EEE d MMM, HH:mm", "EEE d MMM 'à' HH:mm")


def span(start: datetime, end: datetime) -> str:
    """`Tue 24 Nov, 14:00 – 20:00`; the date of the end only where it is another day."""
    same_day = timezone.localtime(start).date() == timezone.localtime(end).date()
    return f"{moment(start)} – {clock_time(end) if same_day else moment(end)}"


def moment_with_year(value: datetime | None) -> str:
    """`24 November 2026, 14:00`."""
    return _dated(value, "d MMMM y, HH:mm", "d MMMM y 'à' HH:mm")


def second_in_utc(value: datetime | None) -> str:
    """`24 November 2026, 14:00:59 UTC`, whatever zone the reader is in."""
    if value is None:
        return NOTHING
    with timezone.override(UTC):
        return f"{_dated(value, 'd MMMM y, HH:mm:ss', 'd MMMM y, HH:mm:ss')} UTC"


def day(value: date | datetime | None) -> str:
    """`Tue 24 Nov`."""
    return _dated(value, "EEE d MMM", "EEE d MMM")


def long_day(value: date | datetime | None) -> str:
    """`24 November 2026`."""
    return _dated(value, "d MMMM y", "d MMMM y")


def month(value: date | datetime | None) -> str:
    """`November 2026`."""
    return _dated(value, "MMMM y", "MMMM y")


def clock_time(value: datetime | None) -> str:
    """`14:00`."""
    return _dated(value, "HH:mm", "HH:mm")


def clock_seconds(value: datetime | None) -> str:
    """`14:00:14`."""
    return _dated(value, "HH:mm:ss", "HH:mm:ss")


def colon() -> str:
    """What stands between a name and what it is: `: `, in French with a narrow space before it."""
    return f"{NARROW}: " if is_french() else ": "


def zone_name() -> str:
    """The reader's time zone as its city: `Paris`."""
    return timezone.get_current_timezone_name().rsplit("/", maxsplit=1)[-1].replace("_", " ")


def duration(length: timedelta | int | float | None) -> str:
    """The two largest units: `2 d 4 h`, `3 h 18 min`, `14 s`. A bare number is seconds."""
    if length is None:
        return NOTHING
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    sizes = [(86_400, gettext("d")), (3_600, gettext("h")), (60, gettext("min")), (1, gettext("s"))]
    parts: list[tuple[int, str]] = []
    for size, unit in sizes:
        count, seconds = divmod(seconds, size)
        if count or parts or size == 1:
            parts.append((count, unit))
    shown = [part for part in parts[:2] if part[0]] or parts[:1]
    return sign + NO_BREAK.join(f"{count}{NO_BREAK}{unit}" for count, unit in shown)


def size(count: int | None) -> str:
    """Bytes in powers of 1000, as disks and networks are sold: `2.1 GB`."""
    if count is None:
        return NOTHING
    value, units = Decimal(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    if is_french():
        units = ["o", "ko", "Mo", "Go", "To", "Po"]
    while abs(value) >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    places = 0 if units[0] in ("B", "o") or value >= 100 else 1
    return f"{number(value, places)}{NO_BREAK}{units[0]}"


def memory(count: int | None) -> str:
    """Working memory as its makers count it, in powers of 1024 and called GB: 80 * 2**30 is `80 GB`."""
    if count is None:
        return NOTHING
    gigabytes = Decimal(count) / 2**30
    return f"{number(gigabytes, 0 if gigabytes >= 10 else 1)}{NO_BREAK}{'Go' if is_french() else 'GB'}"


def country(code: str) -> str:
    """The name of an ISO 3166-1 country: `FR` is France."""
    return str(_territories("fr" if is_french() else "en").get(code, code))


@cache
def _territories(language: str) -> Mapping[str, str]:
    """Babel reads all that a language says whenever it is asked for one."""
    territories: Mapping[str, str] = dict(Locale(language).territories)
    return territories


def digest(value: str | bytes | memoryview | None) -> str:
    """The ends of a long hexadecimal digest: `c81f9a52…7e04`."""
    if not value:
        return NOTHING
    text = value.hex() if isinstance(value, bytes | memoryview) else value
    return f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text


def _hundredfold(ratio: Number) -> Decimal:
    return Decimal(str(ratio)) * 100


def _unit_space() -> str:
    return NARROW if is_french() else NO_BREAK


def _dated(value: date | datetime | None, english: str, french: str) -> str:
    if value is None:
        return NOTHING
    pattern, locale = (french, "fr") if is_french() else (english, "en")
    local: date
    if isinstance(value, datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        text = dates.format_datetime(local.replace(tzinfo=None), pattern, locale=locale)
    else:
        local, text = value, dates.format_date(value, pattern, locale=locale)
    # The first of a month is an ordinal in French; Babel's patterns have no word for that.
    return FIRST_OF_MONTH.sub("1er ", text) if locale == "fr" and local.day == 1 else text
