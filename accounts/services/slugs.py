"""Addresses made from names."""

from __future__ import annotations

from collections.abc import Set

from django.utils.text import slugify

from accounts.models import Organisation, Project

_LONGEST = 44  # letters of an address, and room for a number after them


def free_slug(of: type[Project | Organisation], name: str, *, reserved: Set[str]) -> str:
    """The name as an address; with a number where another has it. Taken meanwhile: SlugTaken."""
    wanted = slugify(name)[:_LONGEST].strip("-") or str(of._meta.model_name)
    others = of._default_manager.filter(slug__startswith=wanted).values_list("slug", flat=True)
    taken = {*others, *reserved}
    if wanted not in taken:
        return wanted
    return next(slug for number in range(2, len(taken) + 3) if (slug := f"{wanted}-{number}") not in taken)
