"""How many slots a change of a project cancelled, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _, ngettext


def called_off(count: int) -> str:
    if not count:
        return _("No slot was cancelled.")
    return ngettext("%(count)d slot was cancelled.", "%(count)d slots were cancelled.", count) % {
        "count": count
    }
