"""The components of the style guide as template words. Markup is in templates/components/.

Everything that must be worked out to draw a bar is worked out here, so that a template
only names a component and hands it values. Items are read by attribute: any dataclass with
the named fields will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django import forms, template
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from common import formats
from common.bars import around_zero, drawn, part

register = template.Library()

# One drawing per word, in a 16 x 16 box.
MARKS = {
    "play": "M4.5 3l8 5-8 5z",
    "check": "M2.5 8.5l3.5 3.5 7.5-8",
    "clock": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.6V8l2.4 1.6",
    "care": "M8 2.2l6.2 11.3H1.8zM8 6.6v3.2M8 11.8v.1",
    "cross": "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "dash": "M3 8h10",
    "fact": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.4v3.8M8 4.8v.1",
    "seal": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5.2 8.2l2 2 3.6-4",
}
MARK_OF_TAG = {"own": "play", "good": "check", "info": "clock", "warn": "care", "bad": "cross", "": "dash"}
MARK_OF_NOTICE = {"info": "fact", "good": "check", "warn": "care", "bad": "cross"}
# Django's message levels in the words of the style guide.
KIND_OF_MESSAGE = {"debug": "info", "info": "info", "success": "good", "warning": "warn", "error": "bad"}
RULE_OUTCOMES = {"refused": "cross", "passed": "check", "idle": "dash"}


@register.simple_tag
def mark(name: str, css_class: str = "mark") -> SafeString:
    """A small drawing. It never stands without a word beside it, so it is hidden from readers."""
    path = mark_safe(MARKS[name])  # noqa: S308 -- ours, from the table above
    return format_html(
        '<svg class="{}" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        css_class,
        path,
    )


@register.inclusion_tag("components/tag.html", name="tag")
def tag_of(label: object, kind: str = "", mark: str = "") -> dict[str, Any]:
    """A state, as a shape and a word. Kinds: own good info warn bad, or none."""
    return {"label": label, "kind": kind, "mark": mark or MARK_OF_TAG[kind]}


@register.simple_block_tag(end_name="endnotice")
def notice(content: SafeString, kind: str = "info", role: str = "") -> SafeString:
    """{% notice "bad" %}<p><strong>What happened.</strong> What to do.</p>{% endnotice %}"""
    return format_html(
        '<div class="notice notice--{}"{}>{}<div class="stack stack--tight">{}</div></div>',
        kind,
        format_html(' role="{}"', role) if role else "",
        mark(MARK_OF_NOTICE[kind], "notice__mark"),
        content,
    )


@register.filter
def notice_kind(level_tag: str) -> str:
    """The kind of notice for one of Django's message levels."""
    return KIND_OF_MESSAGE.get(level_tag, "info")


@register.inclusion_tag("components/field.html", name="field")
def field_of(field: BoundField, wide: bool = False) -> dict[str, Any]:
    """Label, hint, input, error. Django links hint and error to the input by their ids."""
    widget = field.field.widget
    is_many = isinstance(widget, forms.CheckboxSelectMultiple)
    is_choice = not is_many and getattr(widget, "input_type", "") == "checkbox"
    return {"field": field, "is_choice": is_choice, "is_many": is_many, "wide": wide}


@register.inclusion_tag("components/form.html", name="form_fields")
def fields_of(form: Any, without_placeholders: bool = False) -> dict[str, Any]:
    """Every visible field of a form, after the errors that belong to no field.

    allauth writes each label into the empty input as well, where it vanishes with the first
    letter: `without_placeholders` takes it out.
    """
    if without_placeholders:
        for field in form.fields.values():
            field.widget.attrs.pop("placeholder", None)
    return {"form": form}


# --- numbers drawn as bars --------------------------------------------------
def _exact(value: formats.Number | None) -> Decimal:
    return Decimal(str(value or 0))


@dataclass(frozen=True)
class Track:
    """A meter's drawing, in per cent of its width; `add` is empty where nothing is added."""

    limit: str
    fill: str
    add: str

    @classmethod
    def of(cls, used: formats.Number, limit: formats.Number, adding: formats.Number = 0) -> Track:
        """All of the width is the limit, or what it would come to where that is more."""
        held, most, added = _exact(used), _exact(limit), _exact(adding)
        # A little room right of what goes over, so that its end and the limit are both seen.
        whole = most if held + added <= most else (held + added) * Decimal("1.04")
        return cls(
            limit=drawn(part(most, whole)),
            fill=drawn(part(held, whole)),
            add=drawn(part(added, whole)) if added > 0 else "",
        )


@register.inclusion_tag("components/meter.html")
def meter(
    name: object,
    used: formats.Number,
    limit: formats.Number,
    figures: str = "",
    note: str = "",
    adding: formats.Number = 0,
    places: int | None = None,
) -> dict[str, Any]:
    """How much of a limit is used, and in yellow what this would add.

    `figures` stands on the right ("794.3 left"); without it, "used of limit" does.
    """
    return {
        "name": name,
        "used": formats.number(used, places),
        "limit": formats.number(limit, places),
        "adding": formats.number(adding, places) if adding else "",
        "figures": figures,
        "note": note,
        "track": Track.of(used, limit, adding),
    }


@register.inclusion_tag("components/meter_track.html")
def meter_track(used: formats.Number, limit: formats.Number, adding: formats.Number = 0) -> dict[str, Any]:
    """The bar of a meter alone, beside words that say the same."""
    return {"track": Track.of(used, limit, adding), "css_class": "rule__meter "}


@register.inclusion_tag("components/against.html")
def against(ratio: formats.Number | None, largest: formats.Number = 1) -> dict[str, Any]:
    """A markup (+) or subsidy (-) as a bar from a zero line, with its figure.

    `largest` is the largest distance from zero in the column, so that its bars compare. Zero
    stands at two thirds: prices below cost are the longer side.
    """
    if ratio is None:
        return {"figure": formats.NOTHING}
    value = _exact(ratio)
    return {"figure": formats.signed_percent(value), "bar": around_zero(value, _exact(largest))}


@register.inclusion_tag("components/pair.html")
def pair(
    promised: formats.Number, delivered: formats.Number, largest: formats.Number, hatched: bool = False
) -> dict[str, Any]:
    """Promised (hollow) over delivered (solid); `largest` is the largest of the column."""
    return {
        "promised": drawn(part(_exact(promised), _exact(largest))),
        "delivered": drawn(part(_exact(delivered), _exact(largest))),
        "hatched": hatched,
    }


@register.inclusion_tag("components/countdown.html")
def countdown(left: Any, whole: Any, note: str = "", until: Any = None) -> dict[str, Any]:
    """The time that is left of a slot; `left` and `whole` are lengths of time."""
    passed = _exact((whole - left).total_seconds())
    done = part(passed, _exact(whole.total_seconds()))
    return {"left": left, "done": drawn(done), "note": note, "until": until}


# --- lists of things that share one look ------------------------------------
class Step(Protocol):
    """One line of a waterfall: pricing.selectors.waterfall makes them."""

    label: Any
    amount: Decimal
    kind: str  # plus | minus | sum | price


@dataclass(frozen=True)
class Bar:
    label: Any
    amount: str
    kind: str
    start: str
    width: str
    join: str  # where the thin line to the next step stands


@register.inclusion_tag("components/waterfall.html")
def waterfall(steps: Sequence[Step], places: int = 4) -> dict[str, Any]:
    """How costs add up to a price, one step a line."""
    ends, level = [], Decimal(0)
    for step in steps:
        before = Decimal(0) if step.kind in ("sum", "price") else level
        level = step.amount if step.kind in ("sum", "price") else level + _movement(step)
        ends.append((before, level))
    whole = max((max(pair) for pair in ends), default=Decimal(0)) * Decimal("1.01")
    bars = []
    for number, (step, (before, after)) in enumerate(zip(steps, ends, strict=True), start=1):
        low, high = part(min(before, after), whole), part(max(before, after), whole)
        join = drawn(part(after, whole)) if number < len(steps) else ""
        amount = formats.number(after if step.kind in ("sum", "price") else _movement(step), places)
        bars.append(Bar(step.label, amount, step.kind, drawn(low), drawn(high - low), join))
    return {"bars": bars}


def _movement(step: Step) -> Decimal:
    """What a step moves the level by; a "minus" may be given with or without its sign."""
    return -abs(step.amount) if step.kind == "minus" else step.amount


@register.inclusion_tag("components/receipt.html")
def receipt(lines: Iterable[Any], places: int = 6) -> dict[str, Any]:
    """Lines that add up: each has `label`, `amount`, and may have `why` and `is_sum`."""
    return {"lines": lines, "places": places}


@register.inclusion_tag("components/rule.html")
def rule(item: Any) -> dict[str, Any]:
    """A rule with its numbers: `outcome` (refused, passed or idle), `name`, `text`, `figures` (a line
    or several), and where known `remedy` and the numbers `used`, `limit`, `adding` of a meter."""
    figures = getattr(item, "figures", ())
    limit = getattr(item, "limit", None)
    has_meter = item.outcome == "refused" and isinstance(limit, Decimal | int | float)
    return {
        "item": item,
        "figures": [figures] if isinstance(figures, str) else figures,
        "mark": RULE_OUTCOMES[item.outcome],
        "track": Track.of(item.used, item.limit, getattr(item, "adding", 0)) if has_meter else None,
    }


@register.inclusion_tag("components/steps.html")
def steps(items: Iterable[Any]) -> dict[str, Any]:
    """Where a thing stands on its way: each has `name`, `note`, `state` (done, now or next)."""
    return {"items": items}


@register.inclusion_tag("components/figures.html")
def figures(items: Iterable[Any]) -> dict[str, Any]:
    """Numbers with what to hold against them: each has `name`, `value`, `unit`, `note`."""
    return {"items": items}


@register.inclusion_tag("components/empty.html")
def empty(title: object, text: object = "", url: str = "", action: object = "") -> dict[str, Any]:
    """Nothing here yet: what the reader has, and the next step."""
    return {"title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/loading.html")
def loading(text: object) -> dict[str, Any]:
    """What is being done, said to screen readers too."""
    return {"text": text}


@register.inclusion_tag("components/trouble.html")
def trouble(title: object, text: object = "", url: str = "", action: object = "") -> dict[str, Any]:
    """What went wrong, what is safe, then what to do."""
    return {"title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/crumbs.html")
def crumbs(*trail: object) -> dict[str, Any]:
    """{% crumbs name url name url last %}: the way back, links first, this page last."""
    links = list(zip(trail[0:-1:2], trail[1:-1:2], strict=True))
    return {"links": links, "last": trail[-1]}
