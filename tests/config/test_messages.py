"""Every sentence of the site exists in French, and `bin/messages check` notices when one does not."""

from __future__ import annotations

import gettext
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

MESSAGES = Path(settings.BASE_DIR) / "bin" / "messages"
NARROW = "\u202f"


def messages(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, MESSAGES, *arguments], capture_output=True, text=True)


def test_every_message_of_the_site_has_a_french_translation() -> None:
    checked = messages("check")
    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """A small site: one template, one module. Call it with the French of its one-sentence messages."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}<p>{% translate 'Refused:' %}</p>\n{% blocktranslate trimmed count n=n %}\n"
        "{{ n }} hour{% plural %}\n{{ n }} hours{% endblocktranslate %}"
    )
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "wording.py").write_text(
        'from django.utils.translation import gettext as _\n\ntext = _("Book for %(price)s") % {"price": 1}\n'
    )
    messages("update", "--root", tmp_path)
    catalogue = tmp_path / "locale/fr/LC_MESSAGES/django.po"

    def translated(refused: str = f"Refusé{NARROW}:", book: str = "Réserver pour %(price)s") -> Path:
        text = catalogue.read_text()
        text = text.replace('msgid "Refused:"\nmsgstr ""', f'msgid "Refused:"\nmsgstr "{refused}"')
        text = text.replace('msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "%(n)s heure"\nmsgstr[1] "%(n)s heures"')
        text = text.replace('%(price)s"\nmsgstr ""', f'%(price)s"\nmsgstr "{book}"')
        catalogue.write_text(text)
        return tmp_path

    return translated


def test_a_complete_translation_passes(site: Any) -> None:
    checked = messages("check", "--root", site())
    assert checked.returncode == 0, checked.stdout


def test_an_untranslated_message_fails(site: Any) -> None:
    checked = messages("check", "--root", site(refused=""))
    assert checked.returncode == 1
    assert "no translation: 'Refused:'" in checked.stdout


@pytest.mark.parametrize("refused", ["Refusé :", "Refusé:", "Refusé\u00a0:"])
def test_a_colon_without_its_narrow_space_fails(site: Any, refused: str) -> None:
    checked = messages("check", "--root", site(refused=refused))
    assert checked.returncode == 1
    assert "narrow no-break space" in checked.stdout


def test_a_straight_apostrophe_fails(site: Any) -> None:
    assert "wants ’" in messages("check", "--root", site(refused="L'accès est refusé")).stdout


@pytest.mark.parametrize(
    ("book", "fault"),
    [("Réserver", "a placeholder is lost"), ("Pour %(prix)s %(price)s", "unknown placeholder")],
)
def test_a_placeholder_is_kept(site: Any, book: str, fault: str) -> None:
    assert fault in messages("check", "--root", site(book=book)).stdout


def test_a_new_sentence_fails_until_it_is_collected_and_translated(site: Any) -> None:
    root = site()
    with (root / "accounts" / "wording.py").open("a") as module:
        module.write('more = _("Saved.")\n')
    assert "run bin/messages" in messages("check", "--root", root).stdout
    messages("update", "--root", root)
    assert "no translation: 'Saved.'" in messages("check", "--root", root).stdout


def test_a_sentence_that_is_no_longer_said_fails_until_it_is_dropped(site: Any) -> None:
    root = site()
    (root / "accounts" / "wording.py").write_text("")
    assert messages("check", "--root", root).returncode == 1
    messages("update", "--root", root)
    assert "Book for" not in (root / "locale/fr/LC_MESSAGES/django.po").read_text()


def test_a_guess_is_not_a_translation(site: Any) -> None:
    root = site()
    catalogue = root / "locale/fr/LC_MESSAGES/django.po"
    catalogue.write_text(catalogue.read_text().replace('msgid "Refused:"', '#, fuzzy\nmsgid "Refused:"'))
    assert "fuzzy: 'Refused:'" in messages("check", "--root", root).stdout


def test_compiling_gives_what_django_reads(site: Any) -> None:
    root = site()
    messages("compile", "--root", root)
    with (root / "locale/fr/LC_MESSAGES/django.mo").open("rb") as compiled:
        french = gettext.GNUTranslations(compiled)
    assert french.gettext("Refused:") == f"Refusé{NARROW}:"
    assert french.ngettext("%(n)s hour", "%(n)s hours", 2) == "%(n)s heures"


def test_what_is_installed_without_us_is_compiled_already(tmp_path: Path) -> None:
    package = tmp_path / "clients" / "cli" / "equinode_cli"
    package.mkdir(parents=True)
    (package / "words.py").write_text('_("Booked.")\n')
    messages("update", "--root", tmp_path)
    catalogue = package / "locale/fr/LC_MESSAGES/equinode.po"
    catalogue.write_text(
        catalogue.read_text().replace('"Booked."\nmsgstr ""', '"Booked."\nmsgstr "Réservé."')
    )
    assert "run bin/messages compile" in messages("check", "--root", tmp_path).stdout
    messages("compile", "--root", tmp_path)
    compiled = catalogue.with_suffix(".mo")
    assert messages("check", "--root", tmp_path).returncode == 0
    before = compiled.stat().st_mtime_ns
    messages("compile", "--root", tmp_path)
    assert compiled.stat().st_mtime_ns == before  # no churn in a checkout
