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

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.float64]

# What the bettor takes the odds for, in multiples of those of the hypothesis; to each the same part of the money.
THETAS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0])
_LOG_THETAS = np.log(THETAS)
# Half of the money is on the table from the first look; the other comes on it as the bake goes on.
AT_ONCE = 0.5


def gains(hits: Row, n: Row, odds: Row, most: Row) -> Row:
    """Logarithms of what one look multiplies each bet by: rows by thetas, `most` the logarithm that each is cut at.

    To be cut only loses, so that what remains is an e-process still.
    """
    each = np.log1p(odds)[:, None] - np.log1p(odds[:, None] * THETAS)
    gained: Row = np.minimum(hits[:, None] * _LOG_THETAS + n[:, None] * each, most[:, None])
    return gained


def carried(before: Row, gained: Row, added: float) -> Row:
    """Logarithms of what the bets are worth after a look on which `added` of the money came on the table before it."""
    with np.errstate(divide="ignore"):
        bets: Row = np.logaddexp(before, np.log(added)) + gained
    return bets


def worth(bets: Row, on_table: float) -> Row:
    """Logarithm of what each row of bets is worth, with the money that is not on the table yet."""
    highest = bets.max(axis=1)
    total: Row = highest + np.log(np.exp(bets - highest[:, None]).mean(axis=1))
    if on_table < 1:
        total = np.logaddexp(total, math.log(1 - on_table))
    return total


def mean(logs: Row, weights: Row) -> float:
    """Logarithm of the weighted mean of e-processes, which is one against what all of their hypotheses share."""
    highest = float(logs.max())
    return highest + math.log(float(np.exp(logs - highest) @ weights))


def below(hits: float, n: float, odds: float) -> float:
    """Logarithm of the evidence that the odds are below `odds`: the same bets, the other way round."""
    if n <= 0:
        return 0.0
    logs = -hits * _LOG_THETAS + n * (math.log1p(odds) - np.log1p(odds / THETAS))
    return mean(logs, np.full(len(THETAS), 1 / len(THETAS)))


def odds(ratio: float) -> float:
    """A ratio from 0 to 1 (1 excluded) as odds."""
    return ratio / (1 - ratio)
