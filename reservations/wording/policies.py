"""Why a policy cannot be published, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from reservations.domain.linter import Fault


def fault(fault: Fault) -> str:
    """Why a policy cannot be published."""
    sentence = {
        "half_life_of_nothing": _(
            "A half-life of %(value)s hours forgets everything at once: fair share would be off."
        ),
        "too_small": _("%(value)s is too small."),
        "more_than_all": _("%(value)s is more than all there is."),
        "mark_does_not_fit_a_day": _(
            "Marks every %(value)s minutes do not fit a day in whole quarter hours."
        ),
        "not_on_marks": _("%(value)s minutes do not end on a mark."),
        "longer_than": _("This is longer than %(other)s."),
        "more_than": _("This is more than %(other)s."),
    }[fault.code]  # fmt: skip
    return sentence % {"value": fault.value, "other": fault.other}
