"""Template words of this project."""

from __future__ import annotations

from django import template

register = template.Library()
