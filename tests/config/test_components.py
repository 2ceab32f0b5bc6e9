"""The components: what they draw, and that a bar never leaves its drawing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation
from hypothesis import given, strategies

from config.templatetags import components


def render(source: str, **values: Any) -> str:
    return Template("{% load i18n %}" + source).render(Context(values))


def widths(html: str) -> list[float]:
    return [float(number) for number in re.findall(r'(?:x|x1|width)="([0-9.]+)%"', html)]


@dataclass(frozen=True)
class Step:
    label: str
    amount: Decimal
    kind: str


STEPS = [
    Step("Purchase", Decimal("1.0405"), "plus"),
    Step("Electricity", Decimal("0.1528"), "plus"),
    Step("Full cost", Decimal("1.1933"), "sum"),
    Step("Paid by public grants", Decimal("0.6243"), "minus"),
    Step("You pay", Decimal("0.5690"), "price"),
]


def test_a_waterfall_steps_from_bar_to_bar() -> None:
    bars = components.waterfall(STEPS)["bars"]
    purchase, electricity, full, grants, price = bars
    assert purchase.join == electricity.start
    assert grants.join == grants.start
    assert float(price.width[:-1]) == pytest.approx(float(grants.start[:-1]))
    assert full.start == price.start == "0.00%"


def test_what_is_taken_off_has_a_minus_with_or_without_its_sign() -> None:
    signed = [*STEPS[:3], Step("Grants", Decimal("-0.6243"), "minus"), STEPS[4]]
    assert components.waterfall(STEPS)["bars"][3].amount == "−0.6243"
    assert components.waterfall(signed)["bars"][3].amount == "−0.6243"


def test_the_last_step_of_a_waterfall_joins_nothing() -> None:
    assert components.waterfall(STEPS)["bars"][-1].join == ""


def test_drawings_keep_their_points_in_french() -> None:
    with translation.override("fr"):
        html = render("{% waterfall steps %}{% meter 'Room' used 10 %}", steps=STEPS, used=Decimal("2.5"))
    assert 'width="25.00%"' in html
    assert "1,0405" in html
    assert not re.search(r'(?:x|width)="[0-9]+,', html)


def test_a_meter_with_room_ends_at_its_limit() -> None:
    track = components.Track.of(Decimal("1846.2"), Decimal("2640.5"), Decimal(400))
    assert (track.limit, track.fill, track.add) == ("100.00%", "69.92%", "15.15%")


def test_a_meter_over_its_limit_shows_both() -> None:
    track = components.Track.of(Decimal("2310.4"), Decimal("2640.5"), Decimal("456.4"))
    assert track.limit < "95"
    assert float(track.fill[:-1]) + float(track.add[:-1]) < 100


AMOUNTS = strategies.decimals(min_value=0, max_value=10**9, places=4)


@given(used=AMOUNTS, limit=AMOUNTS, adding=AMOUNTS)
def test_a_meter_never_leaves_its_drawing(used: Decimal, limit: Decimal, adding: Decimal) -> None:
    track = components.Track.of(used, limit, adding)
    parts = [float(part[:-1]) for part in (track.limit, track.fill, track.add or "0%")]
    assert all(0 <= part <= 100 for part in parts)
    assert parts[1] + parts[2] <= 100.01


@given(ratio=strategies.decimals(min_value=-5, max_value=5, places=4), largest=AMOUNTS)
def test_a_price_against_cost_never_leaves_its_drawing(ratio: Decimal, largest: Decimal) -> None:
    bar = components.against(ratio, largest)["bar"]
    start, width = float(bar.start[:-1]), float(bar.width[:-1])
    assert 0 <= start <= start + width <= 100.01


@pytest.mark.parametrize(
    ("ratio", "width", "start"),
    [
        ("0.021", "5%", "66.67%"),
        ("-0.021", "5.00%", "61.67%"),
        ("0.0004", "0.01%", "66.67%"),
        ("0", "0.00%", "66.67%"),
    ],
)
def test_a_small_difference_is_not_drawn_as_none(ratio: str, width: str, start: str) -> None:
    bar = components.against(Decimal(ratio), Decimal(1))["bar"]
    assert (float(bar.width[:-1]), bar.start) == (float(width[:-1]), start)


def test_below_cost_is_hollow_and_left_of_zero() -> None:
    html = render("{% against ratio 1 %}", ratio=Decimal("-0.374"))
    assert "bar__under" in html
    assert "−37.4" in html


def test_an_unknown_ratio_draws_nothing() -> None:
    assert "<svg" not in render("{% against ratio 1 %}", ratio=None)


def test_a_tag_has_a_shape_and_a_word() -> None:
    html = render("{% tag 'Running' 'own' %}")
    assert 'class="tag tag--own"' in html
    assert components.MARKS["play"] in html
    assert "Running" in html


def test_a_notice_wraps_what_it_says() -> None:
    html = render('{% notice "bad" role="alert" %}<p>{{ text }}</p>{% endnotice %}', text="<b>")
    assert 'class="notice notice--bad" role="alert"' in html
    assert "<p>&lt;b&gt;</p>" in html


def test_words_in_a_component_are_escaped() -> None:
    html = render("{% tag word %}{% empty word word '/x' word %}{% trouble word %}", word="<script>")
    assert "<script>" not in html


class HoursForm(forms.Form):
    hours = forms.DecimalField(label="Hours", help_text="Quarter hours")
    note = forms.CharField(required=False)
    free = forms.BooleanField(required=False)


def test_a_field_links_its_hint_and_its_error() -> None:
    html = render("{% field form.hours %}", form=HoursForm({"hours": "six"}))
    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described is not None
    assert all(f'id="{name}"' in html for name in described[1].split())
    assert 'aria-invalid="true"' in html


def test_only_what_may_be_left_out_is_called_optional() -> None:
    assert "optional" not in render("{% field form.hours %}", form=HoursForm())
    assert "optional" in render("{% field form.note %}", form=HoursForm())


def test_a_choice_stands_in_its_label() -> None:
    assert re.search(
        r'<label class="choice"[^>]*><input type="checkbox"', render("{% field f.free %}", f=HoursForm())
    )


@dataclass(frozen=True)
class Rule:
    outcome: str
    name: str = "Room"
    text: str = "Your project may hold 10."
    figures: tuple[str, ...] = ("limit 10", "would be 12")
    remedy: str = ""
    used: Decimal | None = None
    limit: Decimal | None = None
    adding: Decimal | None = None


def test_a_refused_rule_says_so_in_words_and_what_would_work() -> None:
    item = Rule("refused", remedy="2 hours less.", used=Decimal(8), limit=Decimal(10), adding=Decimal(4))
    html = render("{% rule item %}", item=item)
    assert "Refused:" in html
    assert "What would work:" in html
    assert "bar__fill--add" in html


def test_a_passed_rule_has_no_meter() -> None:
    assert "meter" not in render("{% rule item %}", item=Rule("passed", limit=Decimal(10), used=Decimal(1)))


def test_the_way_back_ends_with_this_page() -> None:
    html = render("{% crumbs 'Prices' '/prices/' 'Node 3' %}")
    assert '<a href="/prices/">Prices</a>' in html
    assert '<li aria-current="page">Node 3</li>' in html


def test_a_countdown_is_filled_by_what_has_passed() -> None:
    context = components.countdown(timedelta(hours=3), timedelta(hours=6))
    assert context["done"] == "50.00%"


def test_a_time_says_its_instant() -> None:
    html = render("{% when at %}", at=datetime(2026, 11, 24, 9, 42, tzinfo=UTC))
    assert 'datetime="2026-11-24T09:42:00Z"' in html
    assert render("{% when at %}", at=None) == "–"
