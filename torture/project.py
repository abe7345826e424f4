"""The project's own drills, made short: the same experiments and procedures under a smaller load."""

from __future__ import annotations

import re
from pathlib import Path

SHORT = "steady_s=1, hold_s=1, "
RATE = 25  # requests/s of a drill's load: the 95th percentile of a second needs 20 of them
ADMITTED = 40  # requests/s of one pod
FACTOR = ADMITTED / 100  # to what the settings and the experiment say
ERROR_RATE = 0.5  # of which so small a load gives the samples that a second needs
PROBED_EVERY_S = 0.2
STUCK = 10  # workflows, of the few that so small a load begins


def shorten(project: Path) -> None:
    """Have the drills of a copied project hold for a second, with a small load, on pods that admit less."""
    for path in (project / "drills").glob("test_*.py"):
        text = path.read_text()
        text = re.sub(r"(@pytest\.mark\.drill\(\s*)", rf"\g<1>{SHORT}", text)
        path.write_text(re.sub(r"load\(rate=\d+\)", f"load(rate={RATE})", text))
    _replace(project / "systems/enhancer/manifests/30-enhancer-settings.yaml", "admission_rate: 100", ADMITTED)
    system = project / "systems/enhancer/system.yaml"
    _replace(system, "error_rate: 0.01", ERROR_RATE)
    _replace(system, "every_s: 0.05", PROBED_EVERY_S)
    _replace(system, "every_s: 0.033", PROBED_EVERY_S)
    _replace(project / "experiments/workflows-stuck.yaml", "more_than: 61", STUCK)
    _replace(project / "experiments/high-load.yaml", "rate: 450", round(450 * FACTOR))
    _replace(project / "experiments/high-load.yaml", "more_than: 15", round(15 * FACTOR))


def _replace(path: Path, said: str, value: float) -> None:
    text = path.read_text()
    if said not in text:
        raise ValueError(f"{path} does not say '{said}' any more; right would be to say here what it does")
    path.write_text(text.replace(said, f"{said.partition(':')[0]}: {value}"))
