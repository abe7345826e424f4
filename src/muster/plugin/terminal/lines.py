"""One line per phase, for logs: nothing is ever taken back, and there are no control characters."""

from __future__ import annotations

from muster.base.timeline import Event
from muster.plugin.terminal.progress import Progress
from muster.plugin.terminal.words import DOING, one_line


def first_line(progress: Progress) -> str:
    """The line with which a drill begins."""
    return _line(progress, progress.began, f"{DOING['deploy']} {progress.system}")


def line_of(progress: Progress, event: Event) -> str | None:
    """What there is to say of an event that `progress` has taken in already; None for most."""
    t, text = event["t"], None
    match event["kind"]:
        case "phase":
            text = f"{DOING.get(event['phase'], event['phase'])} {event.get('detail') or ''}"
        case "fault.effect" if event.get("observed") and progress.landed_at == t:
            text = f"fault landed{_after_fault(progress, t)}: {event.get('evidence') or ''}"
        case "recovery.step" if event["state"] != "began":
            text = _step(progress, event)
        case "recovery.ended" if not event.get("ok"):
            text = f"recovery failed: {event.get('why') or 'no reason given'}"
        case "good":
            text = "service good again and held" if event.get("ok") else f"service not good again: {event.get('why')}"
            text += _after_fault(progress, t)
    return None if text is None else _line(progress, t, text)


def _step(progress: Progress, event: Event) -> str:
    took = f" in {progress.steps[-1].took(event['t']):.1f} s" if progress.steps else ""
    detail = f": {event['detail']}" if event.get("detail") else ""
    return f"  step {event['step']} {event['state']}{took if event['state'] != 'skipped' else ''}{detail}"


def _after_fault(progress: Progress, t: float) -> str:
    return "" if progress.injected_at is None else f" (fault +{t - progress.injected_at:.1f} s)"


def _line(progress: Progress, t: float, text: str) -> str:
    worker = f"[{progress.worker}] " if progress.worker else ""
    indent = "  " if text.startswith("  ") else ""
    return f"  {worker}{progress.drill}  {t - progress.began:6.1f} s  {indent}{one_line(text)}"
