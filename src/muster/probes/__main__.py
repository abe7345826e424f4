"""`python -m muster.probes PLAN.json`: probe until SIGTERM. Exits 1 with one sentence when it cannot go on."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from muster.base.errors import MusterError, first_of
from muster.base.event_buffer import EventBuffer
from muster.base.timeline import Timeline
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import OwnLimitError
from muster.probes.prober.loop import Probing
from muster.probes.prober.plan import Plan, read_plan

new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop
except ImportError:  # it comes with the embedded cluster, and is only quicker
    pass
else:
    new_loop = uvloop.new_event_loop


async def probe(plan: Plan) -> None:
    """Carry out a plan until SIGTERM or SIGINT."""
    with Timeline(plan.timeline) as timeline:
        async with Exchange(plan.url) as exchange:
            probing = Probing(plan, EventBuffer(timeline), exchange)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, probing.stop)
            await probing.run()


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m muster.probes PLAN.json", file=sys.stderr)
        return 2
    try:
        plan = read_plan(Path(sys.argv[1]))
        # What there is now stays: left out of every collection, it takes no time while requests are under way.
        gc.collect()
        gc.freeze()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(probe(plan))
    except* (MusterError, OwnLimitError) as group:
        print(f"the prober cannot go on: {first_of(group)}", file=sys.stderr)
        return_code = 1
    else:
        return_code = 0
    return return_code


if __name__ == "__main__":
    sys.exit(main())
