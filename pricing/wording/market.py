"""What the table of names says of its rows, so that it is said in each language."""

from __future__ import annotations

from django.utils.translation import gettext_noop

BECAUSE = (
    gettext_noop("Amazon EC2, instance types"),
    gettext_noop("Microsoft Azure, sizes of virtual machines"),
    gettext_noop("Google Cloud, GPU machine types"),
    gettext_noop("Oracle Cloud, compute shapes and price list"),
    gettext_noop("the offer’s own name"),
    gettext_noop("a sixth of a device, which its source counts as a whole one"),
)
