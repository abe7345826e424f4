"""How strongly counts speak against a limit, valid at every look.

All here are *e-processes*: what a gambler has who began with 1 and bet against a hypothesis at odds that are fair, or
worse than fair, as long as the hypothesis is true. Whatever the number of looks, the chance ever to have 1 / alpha is
then alpha at most (Ville's inequality; Robbins, "Statistical methods related to the law of the iterated logarithm",
1970; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021;
Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024).

Each bet is a likelihood ratio: of `n` that may, `hits` have, where the hypothesis says that the odds are `odds` at the
most and the bettor that they are `theta` times as much. A mixture bets on several `theta` at once, and begins anew as
time goes on, so that what was good for an hour and then is not is found as soon (Shin, Ramdas and Rinaldo,
"E-detectors", 2024, with starting weights that sum up to 1, so that it stays an e-process).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.float64]

# What the bettor takes the odds for, in multiples of those of the hypothesis; to each the same part of the money.
THETAS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0])
_LOG_THETAS = np.log(THETAS)
_PARTS = np.full(len(THETAS), 1 / len(THETAS))
_EACH = [(theta, math.log(theta)) for theta in THETAS.tolist()]
# Half of the money is on the table from the first look; the other comes on it as the bake goes on.
AT_ONCE = 0.5


@dataclass(frozen=True, slots=True)
class Bet:
    """What a row of bets is about in one look: of `n`, `hits` have it, and the hypothesis says `odds` at the most.

    The look multiplies a bet by `most` (a logarithm) at the most. To be cut only loses: it remains an e-process.
    """

    row: str
    hits: float
    n: float
    odds: float
    most: float


@dataclass(frozen=True, slots=True)
class Table:
    """All bets of a phase: `bets` are the logarithms of what each is worth, by row and by theta.

    `staked` is how much of the money is on the table; the rest is worth what it is.
    """

    rows: tuple[str, ...] = ()
    bets: Row = field(default_factory=lambda: np.zeros((0, len(THETAS))))
    staked: float = 0.0

    def after(self, placed: Sequence[Bet], share: float) -> Table:
        """The table after a look, before which a further `share` of the money (0 to 1) came on it.

        At the first look half of the money does.
        """
        added = min(1 - self.staked, share * (1 - AT_ONCE) if self.staked else AT_ONCE)
        rows = tuple(dict.fromkeys((*self.rows, *(bet.row for bet in placed))))
        place = {row: number for number, row in enumerate(rows)}
        hits, n, odds, most = columns = np.zeros((4, len(rows)))
        for bet in placed:
            columns[:, place[bet.row]] = bet.hits, bet.n, bet.odds, bet.most
        each = np.log1p(odds)[:, None] - np.log1p(odds[:, None] * THETAS)
        gained = np.minimum(hits[:, None] * _LOG_THETAS + n[:, None] * each, most[:, None])
        with np.errstate(divide="ignore"):
            bets: Row = np.logaddexp(self._with_rows(len(rows)), np.log(added)) + gained
        return Table(rows, bets, self.staked + added)

    def _with_rows(self, count: int) -> Row:
        """The bets with rows that are new: nothing was to be won or lost there so far."""
        new = count - len(self.rows)
        if not new:
            return self.bets
        start = math.log(self.staked) if self.staked else -math.inf
        return np.concatenate([self.bets, np.full((new, len(THETAS)), start)])

    def worth(self) -> Mapping[str, float]:
        """Logarithm of what each row is worth, with the money that is not on the table yet."""
        if not self.rows:
            return {}
        highest = self.bets.max(axis=1)
        total: Row = highest + np.log(np.exp(self.bets - highest[:, None]) @ _PARTS)
        if self.staked < 1:
            total = np.logaddexp(total, math.log(1 - self.staked))
        return dict(zip(self.rows, total.tolist(), strict=True))


def mean(logs: Row, weights: Row) -> float:
    """Logarithm of the weighted mean of e-processes, which is one against what all of their hypotheses share."""
    highest = float(logs.max())
    return highest + math.log(float(np.exp(logs - highest) @ weights))


def below(hits: float, n: float, odds: float) -> float:
    """Logarithm of the evidence that the odds are below `odds`: the same bets, the other way round."""
    if n <= 0:
        return 0.0
    logs = [n * math.log((1 + odds) / (1 + odds / theta)) - hits * log for theta, log in _EACH]
    highest = max(logs)
    return highest + math.log(sum(math.exp(log - highest) for log in logs) / len(logs))


def odds(ratio: float) -> float:
    """A ratio from 0 to 1 (1 excluded) as odds."""
    return ratio / (1 - ratio)
