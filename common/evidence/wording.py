"""Why a file is not kept, as a sentence that says what would be."""

from __future__ import annotations

from django.utils.translation import gettext as _, gettext_lazy

from common import formats
from common.evidence.faults import Unfit

KIND_NAMES = {
    "pdf": gettext_lazy("PDF"),
    "png": gettext_lazy("PNG image"),
    "jpg": gettext_lazy("JPEG image"),
    "webp": gettext_lazy("WebP image"),
    "csv": gettext_lazy("CSV table"),
    "txt": gettext_lazy("Text"),
}
# After "this file is".
_SORTS = {
    "pdf": gettext_lazy("a PDF"),
    "png": gettext_lazy("a PNG image"),
    "jpg": gettext_lazy("a JPEG image"),
    "webp": gettext_lazy("a WebP image"),
    "csv": gettext_lazy("a CSV table"),
    "txt": gettext_lazy("plain text"),
    "zip": gettext_lazy("a ZIP archive, as documents of office programs are"),
    "archive": gettext_lazy("a compressed archive"),
    "program": gettext_lazy("a program"),
    "office": gettext_lazy("a document of an office program"),
    "gif": gettext_lazy("a GIF image"),
    "tiff": gettext_lazy("a TIFF image"),
    "bmp": gettext_lazy("a BMP image"),
    "heic": gettext_lazy("a HEIC or AVIF image"),
    "film": gettext_lazy("a film"),
    "postscript": gettext_lazy("PostScript"),
    "markup": gettext_lazy("HTML, SVG or XML"),
    "utf16": gettext_lazy("text in UTF-16"),
    "database": gettext_lazy("a database"),
}


def sentence(fault: Unfit, *, allowed: str = "") -> str:
    """`allowed` names what is taken, where it is not PDF, image or CSV."""
    values: dict[str, object] = dict(fault.details)
    values["allowed"] = allowed or _("PDF, PNG, JPEG, WebP or CSV in UTF-8")
    if "found" in values:
        values["found"] = _SORTS.get(str(values["found"]), _("of a sort that is not known here"))
    for name in ("size", "limit") if fault.code in ("too_large", "bomb") else ():
        if isinstance(count := values.get(name), int):
            values[name] = formats.size(count)
    if fault.code == "pixels":
        values = {name: formats.number(int(fault.details[name])) for name in ("width", "height", "limit")}
    return _SENTENCES[fault.code]() % values


_SENTENCES = {
    "empty": lambda: _("This file is empty."),
    "too_large": lambda: _("The file has %(size)s; %(limit)s is the most."),
    "claims": lambda: _(
        "This file is called .%(claimed)s and is %(found)s. Save it as what it is, or choose another."
    ),
    "is": lambda: _("This file is %(found)s. What is taken: %(allowed)s."),
    "bomb": lambda: _("Unpacked, this PDF would have more than %(limit)s: print it to a new PDF."),
    "pixels": lambda: _("The picture has %(width)s × %(height)s pixels; %(limit)s in all are the most."),
    "image_broken": lambda: _("The picture is not whole: open it, and save it anew."),
    "pdf_header": lambda: _("This begins as a PDF and names no version of PDF: save it anew."),
    "pdf_end": lambda: _("The PDF is cut off, or something follows its end: save it anew."),
    "pdf_locked": lambda: _("The PDF asks for a password or forbids copying: save it without protection."),
    "pdf_runs": lambda: _("The PDF holds a script or starts a program: print it to a new PDF."),
    "pdf_objects": lambda: _("Parts of the PDF are packed in an unusual way: print it to a new PDF."),
    "pdf_streams": lambda: _("The PDF has more than %(limit)s parts: print it to a new PDF."),
    "csv_lines": lambda: _("A CSV has a line with the names of its columns, and one line of values or more."),
    "csv_columns": lambda: _("A CSV has two columns or more, divided by commas, semicolons or tabs."),
    "csv_uneven": lambda: _("Line %(line)s of the CSV has %(columns)s columns; the first has %(expected)s."),
    "csv_broken": lambda: _("Line %(line)s of the CSV cannot be read: a quotation mark is missing there."),
    "csv_formula": lambda: _(
        "Line %(line)s of the CSV holds a formula, “%(cell)s”, which a spreadsheet would run: save values."
    ),
}
