"""How an amount comes about, written as a sum that a reader can do again: numbers, units, signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from common import formats
from common.formats import number
from pricing.domain.declared import HOURS_A_YEAR, Declared
from pricing.domain.exact import EXACT, ZERO, plain, rounded
from pricing.domain.working import Term

_GRAIN = Decimal("0.000001")


def formula(term: Term) -> str:
    """`(280,000 − 28,000) EUR ÷ 5 years`, with the name of what it is about where it has one."""
    text = _FORMULAS[term.code](term)
    return f"{term.name}{formats.colon()}{text}" if term.name and term.code != "pool" else text


def hours(declared: Declared, devices: int) -> list[tuple[str, str]]:
    """How many device-hours a year has to spread a cost over, step by step."""
    available = declared.available_hours
    delivered = EXACT.multiply(available, declared.used_share)
    outages = declared.planned_outage_hours, declared.unplanned_outage_hours
    less = " ".join(f"{formats.MINUS} {_n(one)} h" for one in outages if one)
    rows = [(f"{_n(HOURS_A_YEAR)} h {less}".strip(), _("%(hours)s h available") % {"hours": _n(available)})]
    share = formats.percent(declared.used_share, _places(declared.used_share * 100))
    rows.append(
        (
            _("%(hours)s h × %(share)s expected to be used") % {"hours": _n(available), "share": share},
            _("%(hours)s h delivered") % {"hours": _n(delivered)},
        )
    )
    whole = EXACT.multiply(delivered, Decimal(devices))
    rows.append(
        (
            _("%(hours)s h × %(devices)s devices") % {"hours": _n(delivered), "devices": devices},
            formats.device_hours(plain(rounded(whole, _GRAIN))),
        )
    )
    return rows


def added(parts: Sequence[Decimal]) -> str:
    """`2.201228 − 0.699201`: six decimals, signs set apart."""
    text = number(parts[0], 6)
    for part in parts[1:]:
        sign = formats.MINUS if part < ZERO else "+"
        text += f" {sign} {number(abs(part), 6)}"
    return text


def carried(amount: Decimal, device_hours: Decimal) -> str:
    """What is given back or made up, by the hour and in a year."""
    return _("%(amount)s EUR × %(hours)s device-hours = %(year)s EUR a year") % {
        "amount": number(amount, 6),
        "hours": _n(device_hours),
        "year": number(EXACT.multiply(amount, device_hours), 2),
    }


def _n(value: Decimal) -> str:
    """The digits it has, six decimals at most; what follows is counted with all of them."""
    return number(plain(rounded(value, _GRAIN)))


def _places(value: Decimal) -> int:
    text = plain(rounded(value, _GRAIN))
    return len(text.partition(".")[2])


def _percent(share: Decimal) -> str:
    return formats.percent(share, min(_places(share * 100), 4))


def _days(term: Term) -> str:
    """Only where not all days of the year count."""
    days, every = term.numbers["days"], term.numbers["of_days"]
    if days == every:
        return ""
    return " × " + _("%(days)s of %(every)s days") % {"days": _n(days), "every": _n(every)}


def _worn(term: Term) -> str:
    text = _("(%(price)s − %(residual)s) EUR ÷ %(years)s years of life") % {
        "price": _n(term.numbers["price"]),
        "residual": _n(term.numbers["residual"]),
        "years": _n(term.numbers["years"]),
    }
    return text + _days(term)


def _maintained(term: Term) -> str:
    return _share_of_price(term) + _days(term)


def _share_of_price(term: Term) -> str:
    return _("%(share)s a year × %(price)s EUR paid") % {
        "share": _percent(term.numbers["share"]),
        "price": _n(term.numbers["price"]),
    }


def _interest(term: Term) -> str:
    numbers = term.numbers
    text = _("%(rate)s a year × (%(cost)s + %(residual)s) EUR ÷ 2") % {
        "rate": _percent(numbers["rate"]),
        "cost": _n(numbers["cost"]),
        "residual": _n(numbers["residual"]),
    }
    if numbers["not_given"] != 1:
        text += " × " + _("%(share)s not given") % {"share": _percent(numbers["not_given"])}
    return text + _days(term)


def _electricity(term: Term) -> str:
    return _(
        "(%(active)s kW × %(delivered)s h in use + %(idle)s kW × %(waiting)s h waiting)"
        " × PUE %(pue)s × %(price)s EUR per kWh"
    ) % {name: _n(value) for name, value in term.numbers.items()}


def _rack(term: Term) -> str:
    return _("%(units)s ÷ %(size)s rack units × %(rack_year)s EUR a year") % {
        name: _n(value) for name, value in term.numbers.items()
    }


def _posts(term: Term) -> str:
    return _("%(posts)s full-time posts × %(post_year)s EUR a year") % {
        name: _n(value) for name, value in term.numbers.items()
    }


def _overhead(term: Term) -> str:
    return _("%(indirect)s EUR indirect ÷ %(direct)s EUR direct × %(base)s EUR, the lines above") % {
        name: _n(value) for name, value in term.numbers.items()
    }


def _pool(term: Term) -> str:
    return _("%(share)s of the shared cost “%(name)s”") % {
        "share": _percent(term.numbers["share"]),
        "name": term.name,
    }


_FORMULAS: dict[str, Callable[[Term], str]] = {
    "wears_out": _worn,
    "vat_wears_out": _worn,
    "vat_of_running_costs": lambda term: _("on a year’s running costs, as declared"),
    "maintenance_share": _maintained,
    "maintenance_contract": lambda term: _("contracts, as declared"),
    "interest": _interest,
    "financing_besides": lambda term: _("fees and interest paid, as declared"),
    "electricity": _electricity,
    "rack": _rack,
    "declared": lambda term: _("as declared"),
    "posts": _posts,
    "insurance_share": _share_of_price,
    "premium": lambda term: _("a premium, as declared"),
    "overhead": _overhead,
    "pool": _pool,
}
