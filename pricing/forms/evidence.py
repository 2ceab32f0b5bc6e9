"""Handing in evidence, showing it to more people, putting it behind something, redacting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.evidence import store, wording
from common.lines import require_one_line
from pricing.models import Evidence
from pricing.selectors.evidence import Choice
from pricing.services.evidence import LONGEST_REASON, LONGEST_TITLE


class EvidenceFileField(forms.FileField):
    """A file that may become evidence. Its content is looked through by the service that keeps it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("File"))
        options.setdefault("help_text", _("PDF, PNG, JPEG, WebP or CSV in UTF-8, 10 MiB at most."))
        said = {"required": _("Choose a file."), "empty": _("This file is empty.")}
        super().__init__(error_messages=said, **options)
        self.widget.attrs["accept"] = ".pdf,.png,.jpg,.jpeg,.webp,.csv"


class EvidenceForm(forms.Form):
    """The file stands last: where one is far too large to be read, the fields before it are not lost."""

    title = forms.CharField(
        label=_("What it is"), max_length=LONGEST_TITLE, validators=[require_one_line],
        help_text=_("Everybody reads this beside the digest: “Invoice of the rack, 2026”. No names."),
    )  # fmt: skip
    visibility = forms.ChoiceField(
        label=_("Who may read it"), choices=Evidence.Visibility,
        initial=Evidence.Visibility.STEWARD,
        help_text=_("Can become more people later, never fewer."),
    )  # fmt: skip
    file = EvidenceFileField()

    def __init__(self, *args: Any, refused: int = 0, **kwargs: Any) -> None:
        """`refused`: the size of an upload that was too large to be read."""
        super().__init__(*args, **kwargs)
        self.refused = refused

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.refused:
            self.errors.pop("file", None)
            self.add_error("file", wording.sentence(store.too_large(self.refused)))
        return given

    def refuse(self, field: str, message: str) -> None:
        self.add_error(field if field in self.fields else None, message)


class WidenForm(forms.Form):
    visibility = forms.ChoiceField(label=_("Show it to"))

    def __init__(self, *, wider: Sequence[Choice]) -> None:
        super().__init__(auto_id="widen_%s")
        choice = self.fields["visibility"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(one.value, one.label) for one in wider]


class AttachForm(forms.Form):
    place = forms.ChoiceField(
        label=_("Behind"), help_text=_("It stays there: published evidence is never taken back.")
    )

    def __init__(self, *, places: Sequence[Choice]) -> None:
        super().__init__(auto_id="attach_%s")
        choice = self.fields["place"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(one.value, one.label) for one in places]


class RedactForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"), max_length=LONGEST_REASON, validators=[require_one_line],
        help_text=_("Public and for ever: say what was wrong with the file, not what stood in it."),
        error_messages={"required": _("Say why: the reason is public.")},
    )  # fmt: skip

    def refuse(self, field: str, message: str) -> None:
        self.add_error(field if field in self.fields else None, message)
