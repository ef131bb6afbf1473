"""Probabilities of the gradient flow's fates from the separatrices between them."""

from typing import Any

import numpy as np

from vicollapse.experiments.gradient_flow import GradientFlow, fates_of_starts
from vicollapse.experiments.gradient_flow_model import Parameters
from vicollapse.mixture.separatrix import Shares, shares_of_fates

TURNABLE = ("isotropic", "fixed_norm")
"""Initial laws that do not change if the plane along mu is turned."""


def flow_shares(parameters: Parameters, *, threads: int = 1, backend: str = "cpu", **rings: Any) -> Shares:
    """Probability of each of `GradientFlow.outcomes`.

    Parameters
    ----------
    parameters : of one point; the initial law is one of `TURNABLE`.
    threads, backend : as in `GradientFlow.run`.
    rings : tolerance, most_rings, seed as of `shares_of_fates`.

    Source: `vicollapse.mixture.separatrix`.
    """
    p = parameters
    return shares_of_fates(
        lambda means: fates_of_starts(p, means, threads=threads, backend=backend),
        len(GradientFlow.outcomes),
        dimension=p.dimension,
        init_scale=p.init_scale / (np.sqrt(p.dimension) if p.initial_law == "fixed_norm" else 1),
        balanced=p.imbalance == 0,
        monotone=p.weights == "fixed" and p.imbalance == 0 and p.initial_log_odds == 0,
        **rings,
    )
