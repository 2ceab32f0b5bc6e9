"""The fields of one object of a declaration, filled in by people and kept in the JSON of a draft.

What cannot be read stays in the draft as it was typed, and is shown again with what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common import formats
from common.forms import NumberField
from common.lines import require_one_line
from pricing.domain.declared import Fault, Json, plain
from pricing.domain.drafting import Members, without_blank_rows
from pricing.wording import fault_sentence

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise
_PLAIN = re.compile(r"-?\d{1,24}(\.\d{1,24})?")
_LONGEST = 500
MOST_ROWS = 50
# A browser's own date field sends the first; the others are how Europe writes a day.
DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"]
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def amount(
    label: Text, help_text: Text = "", *, example: str = "1200.50", required: bool = False
) -> NumberField:
    return NumberField(label=label, help_text=help_text, required=required, example=example)


def share(label: Text, help_text: Text = "", *, example: str = "4", required: bool = False) -> NumberField:
    """Written in per cent, kept between 0 and 1."""
    return NumberField(label=label, help_text=help_text, required=required, example=example, hundredfold=True)


def day(label: Text, help_text: Text = "", *, required: bool = False) -> forms.DateField:
    return forms.DateField(
        label=label, help_text=help_text, required=required, input_formats=DAYS,
        error_messages={"invalid": _("Write a day such as 2026-11-24.")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip


def line(label: Text, help_text: Text = "", *, required: bool = False, most: int = 150) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=most, validators=[require_one_line]
    )


def words(label: Text, help_text: Text = "") -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=_LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class YesNoField(forms.ChoiceField):
    """Yes, no, or not said yet."""

    MEANS: ClassVar[Mapping[str, bool | None]] = {"": None, "no": False, "yes": True}

    def __init__(self, **options: Any) -> None:
        choices = [("", _("Not said yet")), ("no", _("No")), ("yes", _("Yes"))]
        super().__init__(choices=choices, required=False, **options)


class Part(forms.Form):
    """Some members of one object. `nested` are members that are lists of further objects."""

    use_required_attribute = False
    nested: ClassVar[Mapping[str, type[Part]]] = {}
    # Choices always have a value: a row in which nothing else is said is blank.
    choices: ClassVar[Sequence[str]] = ()

    def __init__(self, texts: Mapping[str, str], *, prefix: str = "", is_checked: bool) -> None:
        """`texts` is what stands in the fields; wrong ones are told only where `is_checked`."""
        self.texts = texts
        if is_checked:
            super().__init__(texts, prefix=prefix or None)
        else:
            initial = {name: texts.get(_joined(prefix, name)) for name in self.base_fields}
            super().__init__(
                initial={name: text for name, text in initial.items() if text}, prefix=prefix or None
            )
        self.rows = {
            name: Rows(name, kind, texts, prefix=_joined(prefix, name), is_checked=is_checked)
            for name, kind in self.nested.items()
        }
        for name, field in self.fields.items():
            # A day that was not written as one must not vanish in a browser's date field.
            if (
                isinstance(field, forms.DateField)
                and self.typed(name)
                and not DATE.fullmatch(self.typed(name))
            ):
                field.widget.attrs["type"] = "text"

    def typed(self, name: str) -> str:
        return self.texts.get(_joined(self.prefix or "", name), "")

    def members(self) -> Members:
        """What was typed as JSON: canonical where it can be read, else the text itself."""
        found: Members = {name: _read(field, self.typed(name)) for name, field in self.fields.items()}
        return found | {name: rows.members() for name, rows in self.rows.items()}

    def refuse(self, path: Sequence[str], fault: Fault) -> None:
        """A fault beside the field that it is about."""
        name, *below = path
        if name in self.rows:
            self.rows[name].refuse(below, fault)
        elif name in self.fields:
            if name not in self.errors:
                self.add_error(name, fault_sentence(fault))
        else:
            self.add_error(None, fault_sentence(fault))

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(rows.has_errors for rows in self.rows.values())

    @classmethod
    def written(cls, body: Mapping[str, Any], *, prefix: str = "") -> Iterator[tuple[str, str]]:
        """The texts of these fields for what a draft holds."""
        for name, field in cls.base_fields.items():
            yield _joined(prefix, name), _written(field, body.get(name))
        for name, kind in cls.nested.items():
            rows = body.get(name)
            listed = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
            yield f"{_joined(prefix, name)}-count", str(len(listed))
            for at, row in enumerate(listed[:MOST_ROWS]):
                yield from kind.written(row, prefix=f"{_joined(prefix, name)}-{at}")


class Rows:
    """A list of objects; its rows are added and taken away by buttons, with or without scripts."""

    def __init__(
        self, name: str, kind: type[Part], texts: Mapping[str, str], *, prefix: str, is_checked: bool
    ) -> None:
        self.name, self.kind, self.prefix = name, kind, prefix
        self.errors: list[str] = []
        count = texts.get(f"{prefix}-count", "0")
        self.count = min(int(count), MOST_ROWS) if count.isdecimal() and len(count) < 6 else 0
        self.parts = [kind(texts, prefix=f"{prefix}-{at}", is_checked=is_checked) for at in range(self.count)]

    def members(self) -> list[Json]:
        return [part.members() for part in self.parts]

    def refuse(self, path: Sequence[str], fault: Fault) -> None:
        if path and path[0].isdecimal() and int(path[0]) < len(self.parts):
            at, *below = path
            if below:
                self.parts[int(at)].refuse(below, fault)
                return
        self.errors.append(fault_sentence(fault))

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(part.has_errors for part in self.parts)


def changed_rows(body: Members, parts: Mapping[str, type[Part]], *, add: str, remove: str) -> Members:
    """The members with a row more or less, or else without rows in which nothing was typed.

    `add` is the name of a list as its fields have it (`assets-0-funding`), `remove` that of a row.
    """
    if add or remove:
        return {
            name: _changed(value, name, parts[name], add, remove) if name in parts else value
            for name, value in body.items()
        }
    return {
        name: _without_blanks(value, parts[name]) if name in parts else value for name, value in body.items()
    }


def _changed(value: Json, path: str, kind: type[Part], add: str, remove: str) -> Json:
    rows = value if isinstance(value, list) else []
    kept: list[Json] = []
    for at, row in enumerate(rows):
        if remove == f"{path}-{at}":
            continue
        below = row if isinstance(row, dict) else {}
        kept.append(
            below
            | {
                name: _changed(below.get(name), f"{path}-{at}-{name}", nested, add, remove)
                for name, nested in kind.nested.items()
            }
        )
    return [*kept, {}] if add == path and len(kept) < MOST_ROWS else kept


def _without_blanks(value: Json, kind: type[Part]) -> Json:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    said = without_blank_rows(rows, besides=kind.choices)
    return [
        row | {name: _without_blanks(row.get(name), nested) for name, nested in kind.nested.items()}
        for row in said
    ]


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}-{name}" if prefix else name


def _read(field: forms.Field, text: str) -> Json:
    if isinstance(field, YesNoField):
        return field.MEANS.get(text)
    if not text.strip():
        return None
    try:
        value = field.clean(text)
    except ValidationError:
        return text[:_LONGEST]
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _written(field: forms.Field, value: object) -> str:
    if value is None:
        return ""
    if isinstance(field, YesNoField):
        return {True: "yes", False: "no"}.get(value, "") if isinstance(value, bool) else ""
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(field, NumberField) and _PLAIN.fullmatch(text):
        number = Decimal(text)
        return formats.number(plain(number.scaleb(2) if field.hundredfold else number)).replace(
            formats.MINUS, "-"
        )
    return text[:_LONGEST]


def flat(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return dict(pairs)
