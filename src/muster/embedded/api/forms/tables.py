"""Server-side printing: the tables that `kubectl get` shows."""

from __future__ import annotations

from muster.embedded.api.forms.columns import COLUMNS, Column, age_column, name_column
from muster.embedded.objects import Object
from muster.embedded.resources import Resource
from muster.embedded.store import Stored


def table(resource: Resource, rows: list[Stored], include: str, version: str) -> Object:
    """Objects as a `Table`; `include` is what each row brings along: `None`, `Object`, default the metadata."""
    columns = COLUMNS.get(resource, (name_column, age_column))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(columns, stored, include) for stored in rows],
    }


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": column.name,
        "priority": column.priority,
    }


def _row(columns: tuple[Column, ...], stored: Stored, include: str) -> Object:
    row: Object = {"cells": [column.cell(stored.shared) for column in columns]}
    if include == "Object":
        row["object"] = stored.shared
    elif include != "None":
        row["object"] = partial(stored.shared)
    return row


def partial(obj: Object) -> Object:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
