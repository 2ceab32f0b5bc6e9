"""The ledger as open data: every entry with the bytes that are hashed."""

from __future__ import annotations

from django.db.models import F, Func, TextField, Value
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import integer, moment, text
from common.open_data.datasets import CC_BY, Dataset, Edition
from ledger.models import Entry, EntryQuerySet


def _entries() -> EntryQuerySet:
    return Entry.objects.sequenced().order_by("index")


def _edition() -> Edition:
    """The log only grows."""
    index, at = _entries().newest_first().values_list("index", "appended_at").first() or (None, None)
    return Edition(f"{index}", at)


ENTRIES = Dataset(
    name="ledger-entries",
    title=_("Entries of the ledger"),
    says=_(
        "The public log, entry by entry in its order, each byte for byte as it was hashed: docs/ledger.md "
        "says how to check it against a signed checkpoint."
    ),
    licence=CC_BY,
    columns=(
        integer("index", _("Its place in the log, from 0."), is_unique=True, least="0"),
        text("id", _("The entry’s identifier."), "uid", is_unique=True),
        text("kind", _("Which kind of fact it is.")),
        moment("appended_at", _("When it was appended.")),
        text(
            "leaf_hash",
            _("SHA-256 of a zero byte and the leaf, in base64."),
            Func(F("leaf_hash"), Value("base64"), function="encode", output_field=TextField()),
        ),
        text(
            "leaf",
            _("The entry itself: canonical JSON (RFC 8785), whose UTF-8 is what is hashed."),
            Func(F("leaf"), Value("UTF8"), function="convert_from", output_field=TextField()),
        ),
    ),
    rows=_entries,
    key=("index",),
    edition=_edition,
    page="ledger",
)

EVERY = (ENTRIES,)
