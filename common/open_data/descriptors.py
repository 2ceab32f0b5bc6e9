"""What programs read before the rows: Table Schema, Data Package (frictionlessdata.io) and schema.org."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from common.open_data.datasets import Dataset, Licence
from common.open_data.writing import Member

CSV, JSON, LINES, ZIP = "text/csv", "application/json", "application/x-ndjson", "application/zip"


# --- frictionlessdata.io -----------------------------------------------------------------------------
def table_schema(dataset: Dataset) -> dict[str, Any]:
    """Of the CSV: a cell without a value is empty."""
    schema: dict[str, Any] = {
        "fields": [column.field for column in dataset.columns],
        "missingValues": [""],
        "primaryKey": list(dataset.key),
    }
    if dataset.refers:
        schema["foreignKeys"] = [
            {
                "fields": [one.column],
                # The standard's word for the table itself is no word.
                "reference": {
                    "resource": "" if one.dataset == dataset.name else one.dataset,
                    "fields": [one.its_column],
                },
            }
            for one in dataset.refers
        ]
    return schema


def resource(dataset: Dataset, *, origin: str) -> dict[str, Any]:
    """One file of the package, named beside it: the same words hold for the site and for a copy."""
    return {
        "name": dataset.name,
        "title": str(dataset.title),
        "description": str(dataset.says),
        "homepage": f"{origin}/open-data/{dataset.name}/",
        "path": f"{dataset.name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": CSV,
        "encoding": "utf-8",
        "licenses": [_licence(dataset.licence, origin)],
        "schema": table_schema(dataset),
    }


def data_package(datasets: Iterable[Dataset], *, origin: str) -> dict[str, Any]:
    """Of the site's own addresses: without digests, since the rows change."""
    return _package([resource(one, origin=origin) for one in datasets], origin)


def written_package(members: Sequence[Member], *, origin: str, at: datetime) -> dict[str, Any]:
    """Of files that were written together: with the bytes, digest and rows of each."""
    resources = [
        {
            **resource(one.dataset, origin=origin),
            "bytes": one.size,
            "hash": f"sha256:{one.sha256}",
            "rows": one.rows,
        }
        for one in members
    ]
    return {**_package(resources, origin), "created": at.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _package(resources: list[dict[str, Any]], origin: str) -> dict[str, Any]:
    return {
        "profile": "data-package",
        "name": "equinode",
        "title": _("Equinode open data"),
        "description": _("What computing costs here, how prices come about, and what stands behind them."),
        "homepage": f"{origin}/open-data/",
        "resources": resources,
    }


def _licence(licence: Licence, origin: str) -> dict[str, str]:
    return {"name": licence.name, "title": str(licence.title), "path": address(licence, origin)}


def address(licence: Licence, origin: str) -> str:
    return f"{origin}{licence.url}" if licence.url.startswith("/") else licence.url


# --- schema.org --------------------------------------------------------------------------------------
def schema_org(
    dataset: Dataset, *, origin: str, language: str, changed_at: datetime | None
) -> dict[str, Any]:
    """A Dataset with its downloads, as search engines for data read it."""
    here = f"{origin}/open-data/{dataset.name}"
    said = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": f"{here}/",
        "identifier": f"{here}/",
        "name": str(dataset.title),
        "description": str(dataset.says),
        "url": f"{here}/",
        "license": address(dataset.licence, origin),
        "inLanguage": language,
        "isAccessibleForFree": True,
        "dateModified": changed_at.strftime("%Y-%m-%dT%H:%M:%SZ") if changed_at else None,
        "creator": _site(origin),
        "publisher": _site(origin),
        "includedInDataCatalog": {"@type": "DataCatalog", "@id": f"{origin}/open-data/"},
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "name": column.name,
                "description": str(column.says),
                **({"unitText": column.unit} if column.unit else {}),
            }
            for column in dataset.columns
        ],
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": media, "contentUrl": f"{here}.{ending}"}
            for media, ending in ((CSV, "csv"), (JSON, "json"), (LINES, "jsonl"))
        ],
    }
    return {name: value for name, value in said.items() if value is not None}


def schema_org_catalogue(datasets: Iterable[Dataset], *, origin: str, language: str) -> dict[str, Any]:
    here = f"{origin}/open-data/"
    return {
        "@context": "https://schema.org/",
        "@type": "DataCatalog",
        "@id": here,
        "name": _("Equinode open data"),
        "description": _("What computing costs here, how prices come about, and what stands behind them."),
        "url": here,
        "inLanguage": language,
        "publisher": _site(origin),
        "dataset": [
            {
                "@type": "Dataset",
                "@id": f"{here}{one.name}/",
                "name": str(one.title),
                "url": f"{here}{one.name}/",
                "description": str(one.says),
                "license": address(one.licence, origin),
            }
            for one in datasets
        ],
    }


def _site(origin: str) -> dict[str, str]:
    return {"@type": "Organization", "name": "Equinode", "url": f"{origin}/"}
