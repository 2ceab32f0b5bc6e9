"""What is wrong with a cell, in a sentence: what is wanted and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from pricing.domain.market.values import CURRENCIES, Fault

_LONGEST = 80  # letters of what was found


def sentence_of(fault: Fault) -> str:
    """With the line and, where it is one cell's, the column."""
    found = {"found": fault.found[:_LONGEST], "currencies": ", ".join(CURRENCIES)}
    said = {"line": fault.line, "column": fault.column, "sentence": _WANTED[fault.wanted]() % found}
    if fault.column:
        return _("Nothing was imported. Line %(line)d, column “%(column)s”: %(sentence)s") % said
    return _("Nothing was imported. Line %(line)d: %(sentence)s") % said


_WANTED: Mapping[str, Callable[[], str]] = {
    "header": lambda: _("no format that is read has these columns: “%(found)s”."),
    "semicolons": lambda: _("“%(found)s” is separated by semicolons; separate columns by commas."),
    "rate_header": lambda: _(
        "the columns are Date and one for each currency, such as Date,USD,GBP; not “%(found)s”."
    ),
    "say_provider": lambda: _(
        "a file of this kind (%(found)s) does not say its provider: say it beside the file."
    ),
    "say_observed_on": lambda: _(
        "a file of this kind (%(found)s) does not say its day: say beside the file when it was seen."
    ),
    "columns": lambda: _("columns found and wanted: %(found)s."),
    "twice": lambda: _("the same stands in line %(found)s already."),
    "empty": lambda: _("nothing stands here."),
    "text": lambda: _("“%(found)s” is too long (120 letters at most), or has letters that cannot be shown."),
    "provider": lambda: _("“%(found)s” is not the name of a provider in small letters, such as aws."),
    "number": lambda: _("“%(found)s” is not a number above zero, such as 12.5."),
    "comma": lambda: _("“%(found)s” has a decimal comma; write a point, such as 12.5."),
    "devices": lambda: _("“%(found)s” is not a number of devices: above 0 and at most 1,000."),
    "memory": lambda: _("“%(found)s” cannot be the memory of one device."),
    "absurd_hour": lambda: _(
        "“%(found)s” comes to less than 0.01 or more than 1,000 for one device and hour, which cannot be"
        " right. Is it another unit?"
    ),
    "absurd_shop": lambda: _(
        "“%(found)s” cannot be the price of a device: those lie between 10 and 1,000,000."
    ),
    "absurd_rate": lambda: _("“%(found)s” cannot be what one euro is worth."),
    "currency": lambda: _("“%(found)s” is none of the currencies that are read: %(currencies)s."),
    "day": lambda: _("“%(found)s” is not a day such as 2026-11-23."),
    "moment": lambda: _("“%(found)s” is not a moment with its zone, such as 2026-07-23T22:12:57+00:00."),
    "early": lambda: _("%(found)s lies before the euro, which began on 1999-01-04."),
    "future": lambda: _("%(found)s is still to come."),
    "kind": lambda: _("“%(found)s” is none of on_demand, reserved_1y, spot, cheapest."),
    "oracle_metric": lambda: _("the metric is “GPU Per Hour”, not “%(found)s”."),
    "oracle_model": lambda: _("the model is PAY_AS_YOU_GO, not “%(found)s”."),
    "no_rows": lambda: _("the file has no price and no rate at all."),
    "many_rows": lambda: _("the file has more than %(found)s rows; give it in parts."),
}
