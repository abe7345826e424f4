"""A history for spreadsheets: CSV. What it needs is read; nothing is compared or judged, which would take longer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from muster.history.facts import DrillFacts, ObjectiveFacts

FORMULA = ("=", "+", "-", "@")


def as_csv(runs: Iterable[DrillFacts], objectives: Mapping[int, Sequence[ObjectiveFacts]]) -> str:
    """A line for each run, oldest first; each objective of any of them is a column: `error_rate_after`."""
    runs = sorted(runs, key=lambda run: (run.at, run.id))
    values = [{(one.name, one.window): one.value for one in objectives.get(run.id, ())} for run in runs]
    pairs = sorted({pair for told in values for pair in told}, key="_".join)
    # By columns, which repeat themselves: a look at each of many thousand cells would take longer than all the rest.
    columns = [_safe(column) for column in zip(*(run[1:] for run in runs), strict=True)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*DrillFacts._fields[1:], *map("_".join, pairs)])
    writer.writerows(zip(*columns, *([told.get(pair) for told in values] for pair in pairs), strict=True))
    return text.getvalue()


def _safe(column: tuple[object, ...]) -> Sequence[object]:
    """A column as a spreadsheet may be given it: text that would be taken for a formula is marked as text."""
    formulas = {cell for cell in set(column) if isinstance(cell, str) and cell.startswith(FORMULA)}
    return [f"'{cell}" if cell in formulas else cell for cell in column] if formulas else column
