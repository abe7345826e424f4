"""The live panel: one running drill in full, or a row for each worker where several run side by side.

Renders to lines of text with rich; putting them on the terminal is the screen's business.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from rich.box import ASCII, ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from muster.plugin.terminal.progress import Progress, Rates, Span
from muster.plugin.terminal.words import DOING, SHORT, one_line

WIDEST = 110
LATE_SHARE = 0.7  # of the budget, from where on the bar warns
DETAIL_MIN_ROWS = 14  # a terminal with fewer lines than this gets the panel without steps and pods


@dataclass(frozen=True)
class Canvas:
    """What the terminal can show: cells, lines, colours, and characters beyond ASCII."""

    width: int
    height: int
    colour: bool
    unicode: bool = True

    def mark(self, state: str) -> str:
        """A symbol for a span's state."""
        symbols = {"done": "✓", "failed": "✗", "skipped": "-", "now": "▸"}
        plain = {"done": "+", "failed": "x", "skipped": "-", "now": ">"}
        return (symbols if self.unicode else plain)[state]


def render(running: list[Progress], now: float, canvas: Canvas) -> list[str]:
    """The panel's lines, none wider than the canvas, fewer than it has; none where nothing runs."""
    if not running:
        return []
    width = min(canvas.width - 1, WIDEST)
    shown: RenderableType
    if len(running) > 1 or running[0].worker:
        shown = _workers(running, now)
    else:
        shown = _drill(running[0], now, canvas, width - 4)
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=canvas.colour,
        color_system="standard" if canvas.colour else None,
        no_color=not canvas.colour,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
    )
    with console.capture() as captured:
        console.print(shown)
    text = captured.get() if canvas.unicode else captured.get().replace("…", "~")
    return text.rstrip("\n").split("\n")[: max(canvas.height - 2, 1)]


def _drill(progress: Progress, now: float, canvas: Canvas, inner: int) -> Panel:
    title = Text(progress.drill, style="bold")
    title.append(f" {progress.severity}", style="bold magenta")
    parts: list[RenderableType] = [Text(one_line(progress.about), "dim")] if progress.about else []
    parts += _packed([_phase(span, now, canvas, last=span is progress.phase) for span in progress.phases], inner)
    parts += [_budget(progress, now, canvas), _rates(progress.rates(now))]
    if canvas.height >= DETAIL_MIN_ROWS:
        parts += _steps(progress, now, canvas, inner)
        parts += [_cut(f"pod {pod.get('pod') or ''}: {pod.get('change')}", "dim") for pod in progress.pods]
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=Text(f"{now - progress.began:.0f} s", style="dim"),
        subtitle_align="right",
        box=ROUNDED if canvas.unicode else ASCII,
        border_style="cyan",
    )


def _phase(span: Span, now: float, canvas: Canvas, *, last: bool) -> Text:
    name = SHORT.get(span.name, span.name)
    if last and span.ended is None:
        return Text(f"{canvas.mark('now')} {name} {span.took(now):.1f} s", style="bold cyan")
    return Text.assemble((f"{canvas.mark('done')} ", "green"), f"{name} {span.took(now):.1f}")


def _packed(items: list[Text], width: int) -> list[RenderableType]:
    """Items side by side, on as few lines as they fit on, none broken."""
    rows: list[Text] = []
    for item in items:
        if rows and rows[-1].cell_len + 2 + item.cell_len <= width:
            rows[-1] = Text.assemble(rows[-1], "  ", item)
        else:
            rows.append(item)
    for row in rows:
        row.no_wrap, row.overflow = True, "ellipsis"
    return list(rows)


def _budget(progress: Progress, now: float, canvas: Canvas) -> RenderableType:
    since, limit = progress.since_fault_s(now), progress.limit_s
    if since is None:
        return Text("no fault yet" + (f", budget {limit:g} s" if limit else ""), style="dim")
    if not limit:
        return Text(_since_fault(progress, since), style="bold")
    share = since / limit
    colour = "red" if share > 1 else "yellow" if share > LATE_SHARE else "green"
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True)
    bar: RenderableType = ProgressBar(limit, min(since, limit), complete_style=colour, finished_style=colour)
    if not canvas.unicode:
        bar = Text("#" * min(int(share * 20), 20))
    over = ", OVER" if share > 1 else ""
    said = Text(_since_fault(progress, since), style=f"bold {colour}")
    row.add_row(said, bar, Text(f"{limit:g} s{over}", style=colour))
    return row


def _since_fault(progress: Progress, since: float) -> str:
    if progress.good_at is not None:
        return f"good again +{since:.1f} s"
    if progress.landed_at is None or progress.injected_at is None:
        return f"fault +{since:.1f} s, not landed yet"
    return f"fault +{since:.1f} s, landed +{max(progress.landed_at - progress.injected_at, 0.0):.1f}"


def _rates(rates: Rates) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{rates.requests:.0f} requests/s")
    text.append("   ")
    text.append(f"{rates.errors:.0f} errors/s", style="bold red" if rates.errors else "")
    text.append("   ")
    text.append(f"{rates.refused:.0f} refused/s", style="yellow" if rates.refused else "")
    text.append("   ")
    text.append("P95 -" if rates.p95_s is None else f"P95 {rates.p95_s * 1000:.0f} ms")
    return text


def _steps(progress: Progress, now: float, canvas: Canvas, inner: int) -> list[RenderableType]:
    """The recovery's steps so far; the one that is being taken stands alone, with what came of the last one below."""
    if not progress.steps:
        return []
    shown = _packed([_step(span, now, canvas) for span in progress.steps], inner)
    told = [span for span in progress.steps if span.detail and span.state != "skipped"]
    return [*shown, _cut(f"  {told[-1].name}: {told[-1].detail}", "dim")] if told else shown


def _step(span: Span, now: float, canvas: Canvas) -> Text:
    if span.ended is None:
        return Text(f"{canvas.mark('now')} {span.name} {span.took(now):.1f} s", style="bold")
    style = {"failed": "bold red", "skipped": "dim"}.get(span.state, "green")
    known = span.state if span.state in ("done", "failed", "skipped") else "done"
    return Text.assemble((f"{canvas.mark(known)} ", style), f"{span.name} {span.took(now):.1f}")


def _cut(text: str, style: str) -> Text:
    return Text(one_line(text), style=style, no_wrap=True, overflow="ellipsis")


def _workers(running: list[Progress], now: float) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim", show_edge=False)
    table.add_column("worker", no_wrap=True)
    for name in ("drill", "doing"):  # these go on in a second line where there is little room
        table.add_column(name, overflow="ellipsis")
    for name in ("fault", "budget", "errors/s"):
        table.add_column(name, no_wrap=True, justify="right")
    for progress in running:
        since, limit, errors = progress.since_fault_s(now), progress.limit_s, progress.rates(now).errors
        late = since is not None and limit is not None and since > limit
        table.add_row(
            Text(f"[{progress.worker}]", style="cyan"),
            Text(progress.drill, style="bold"),
            _doing(progress, now),
            Text("-" if since is None else f"+{since:.1f} s", style="bold red" if late else ""),
            Text(f"{limit:g} s" if limit else "-"),
            Text(f"{errors:.0f}", style="bold red" if errors else ""),
        )
    return table


def _doing(progress: Progress, now: float) -> Text:
    step = progress.steps[-1] if progress.steps else None
    if step is not None and step.ended is None:
        return Text(f"{step.name} {step.took(now):.1f} s")
    phase = progress.phase
    return Text(f"{DOING.get(phase.name, phase.name)} {phase.took(now):.1f} s")
