"""The way back: all traffic to the old version, verified by what clients are answered, and then the new one removed.

Measured from the decision: how long until the weights were written, until they were in force, and until requests on new
connections and on kept ones were all answered by the old version. It does not wait for whoever looks after the release:
it takes the release over, and what they still want to write is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import TimeoutExceededError
from muster.base.waiting import wait_for
from muster.release.clients import Answers, Clients
from muster.release.locks import end_tenure
from muster.release.measuring import Meter
from muster.release.record import Release
from muster.release.telling import RollbackEvents
from muster.release.work import Releasing

WITHIN_S = 30.0  # the deployment plan's limit
LOOK_EVERY_S = 0.1
CONNECT_S = 0.1
IN_A_ROW = 2  # so many looks running must be answered by the old version alone


@dataclass(frozen=True)
class Returned:
    """How a rollback went, in seconds since the decision: when the weights were written, in force, and when clients
    were seen to be answered by the old version alone.

    `verified` is by what that was seen; `doubt` what could not be seen, empty where all could.
    """

    written_s: float
    in_force_s: float
    verified_s: float
    verified: str
    doubt: str

    @property
    def in_time(self) -> bool:
        """Whether it was within the plan's limit."""
        return self.verified_s <= WITHIN_S

    def to_json(self) -> dict[str, object]:
        """For programs; seconds to the millisecond."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        """In one line."""
        return (
            f"all traffic on the old version after {self.verified_s:.2f} s (written {self.written_s:.2f} s, in force "
            f"{self.in_force_s:.2f} s): {self.verified}{f'; not seen: {self.doubt}' if self.doubt else ''}"
        )


class Returning:
    """One rollback of a release that this process looks after."""

    def __init__(
        self,
        work: Releasing,
        url: str,
        *,
        decided: float | None = None,
        cause: str = "",
        events: RollbackEvents | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`url` is where clients reach the system; `decided` when it was decided (CLOCK_MONOTONIC s, default: now), and
        `cause` by what (see `Release`); `events` tells a drill's timeline of it."""
        self._work, self._url, self._clock, self._cause = work, url, clock, cause
        self._events = RollbackEvents() if events is None else events
        self._decided = clock.now() if decided is None else decided

    @property
    def release(self) -> Release:
        """The release, as it is now."""
        return self._work.book.release

    def take_back(self, why: str, told: Callable[[Returned], None] = lambda _: None) -> Returned | None:
        """Bring all traffic to the old version, and then remove the new one; `told` is called in between.

        Raises:
            SupersededError, TimeoutExceededError, ClusterError: as for `back`.
        """
        with self._events.rollback():
            returned = self.back(why)
            if returned is not None:
                told(returned)
            with self._events.step("remove the new version") as did:
                did.append(self.clear())
        return returned

    def back(self, why: str, told: Callable[[str], None] = lambda _: None) -> Returned | None:
        """Bring all traffic to the old version; None where the release had shared none.

        Raises:
            SupersededError: another one looks after the release.
            TimeoutExceededError: it does not come into force, or clients are answered by the new version still.
            ClusterError: the cluster does not answer.
        """
        book = self._work.book
        if book.release.state != "rolling back":
            book.tell(f"rolls back: {why}", state="rolling back", why=why, cause=self._cause, wanted=None)
        if book.release.past_return:
            told("the old version is brought back first: the new one carries all meanwhile")
            self._restore()
        if self._work.way is None:
            return None
        with Clients(self._url, self._work.system) as clients:
            clients.connect(CONNECT_S)  # on these it must be seen, too
            written = list[float]()
            with self._events.step("lead all to the old version") as did:
                self._events.leads(self._work.system.service.name)
                did.append(self._work.shift(0.0, wrote=lambda: written.append(self._since())))
            in_force = self._since()
            with self._events.step("verify", acts=False) as did:
                answers, doubt = self._verified(clients)
                did.append(str(answers))
        returned = Returned(written[-1], in_force, self._since(), str(answers), doubt)
        book.tell(str(returned))
        return returned

    def clear(self) -> str:
        """Remove the new version, and note the end.

        Raises:
            SupersededError, TimeoutExceededError, ClusterError: as for `back`.
        """
        said = list[str]()
        if (way := self._work.way) is not None:
            said.append(way.remove())
        said.append(self._work.clear(brought=True))
        end_tenure(self._work.cluster, self._work.namespace)
        self._work.end(f"rolled back: {'; '.join(said)}", "rolled back")
        return "; ".join(said)

    def _since(self) -> float:
        return self._clock.now() - self._decided

    def _restore(self) -> None:
        """Bring the old version back where it was being replaced already, all of it ready before it gets traffic."""
        self._work.apply(back=True)
        for one in self._work.deployments():
            name = one.live["metadata"]["name"]
            self._work.roll(name, back=True)
        for one in self._work.deployments():
            name = one.live["metadata"]["name"]
            wait_for(
                lambda name=name: self._work.is_rolled(name, back=True),  # type: ignore[misc]
                within=self._work.system.ready_within_s,
                reason=f"Deployment {name} to be as it was",
                latest=lambda name=name: self._work.not_rolled(name),  # type: ignore[misc]
                clock=self._clock,
            )
        self._work.book.put(past_return=False)

    def _verified(self, clients: Clients) -> tuple[Answers, str]:
        """What clients are answered, once it is by the old version alone; and what could not be seen of that."""
        deadline, running = self._decided + WITHIN_S, 0
        while True:
            counted = self._counted()
            answers = clients.look()
            on_new = answers.by(self._new) if self._new else self._more(counted)
            # Who refuses, or has lost its database, tells by its answer which version it is all the same.
            seen = answers.good == answers.asked or (bool(self._new) and answers.all_told)
            running = running + 1 if seen and not on_new else 0
            if running >= IN_A_ROW:
                return answers, self._doubt(answers, counted)
            if self._clock.now() >= deadline:
                if on_new:
                    raise TimeoutExceededError(f"clients are answered by the new version still: {answers}")
                # The old version has all the traffic, and does not serve it well: that is another trouble.
                return answers, f"the service itself answers badly: {answers.why}"
            self._clock.sleep(LOOK_EVERY_S)

    @property
    def _new(self) -> str:
        """What tells an answer of the new version from one of the old; empty where nothing does."""
        release = self._work.book.release
        return release.canary if release.canary != release.stable else ""

    def _counted(self) -> float | None:
        """How many requests the new version's pods have counted, where answers do not tell the versions apart."""
        if self._new:
            return None
        return Meter(self._work.cluster, self._work.system, self._work.book.release, self._url).of_canary()

    def _more(self, before: float | None) -> float:
        """How many more they have counted by now."""
        after = self._counted()
        return max(after - before, 0.0) if before is not None and after is not None else 0.0

    def _doubt(self, answers: Answers, counted: float | None) -> str:
        """What could not be seen of it; empty where all was."""
        if not self._new and counted is None:
            return "which version answers: answers do not say, and the new version's pods do not tell what they count"
        if self._new and None in answers.versions:
            return f"which version gave {answers.versions[None]} of the answers"
        if answers.good < answers.asked:
            return f"that the old version serves well: {answers.why}"
        return "" if answers.kept else "kept connections, as the service closes them"
