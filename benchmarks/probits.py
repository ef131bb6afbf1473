"""Mixtures of probits in place of the logistic function: what the peers use for the logistic-normal integrals."""

import numpy as np
from numpy.typing import NDArray

# fmt: off
_PROBIT: dict[int, tuple[float, list[float], list[float]]] = {  # terms: (error of S, weights, slopes)
    5: (6.1e-7,
        [0.04405227153596571, 0.2943292881171498, 0.4300806831527473, 0.2081323442569652, 0.02340541293717198],
        [1.123444388660611, 0.8044745407718054, 0.5765898701209784, 0.4111528500862814, 0.2916158948974925]),
    6: (8.7e-8,
        [0.0182479865889231, 0.1717676012492954, 0.3735448719257754, 0.3177256411910288, 0.109544125061423,
         0.009169773983554359],
        [1.212347259525225, 0.8982941466324408, 0.6690865966504674, 0.4960866663608052, 0.3670577672377322,
         0.2696872687744318]),
    7: (1.4e-8,
        [0.007736010046912513, 0.09608498423206238, 0.2821943775421393, 0.3451900271946292, 0.2095294097253735,
         0.05562846588742605, 0.003636725371457109],
        [1.291268020950371, 0.9816196566723908, 0.7524945582439571, 0.5752968015096154, 0.4386053241409616,
         0.3342445254805296, 0.2524350439660247]),
    8: (2.2e-9,
        [0.003246343272134, 0.051517477033972, 0.195077912673858, 0.315569823632818, 0.274149576158423,
         0.131076880695470, 0.027912418727972, 0.001449567805354],
        [1.365340806296348, 1.059523971016916, 0.830791313765644, 0.650732166639391, 0.508135425366489,
         0.396313345166341, 0.308904252267995, 0.238212616409306]),
    10: (2.3e-10,
        [0.0003258790531598852, 0.0111872183165539, 0.07506954418695536, 0.1983841921282624, 0.2795129504266568,
         0.2451876872791473, 0.1387700907813744, 0.04509619895354599, 0.006268474060471942, 0.0001977648138720418],
        [1.547062512036526, 1.227020460928997, 0.9870670484406314, 0.7957692528237432, 0.6412064844039399,
         0.5164677244259751, 0.4161372193893075, 0.3353360812798606, 0.2696154121819581, 0.2141618360696702]),
}
# fmt: on


def probit_mixture(terms: int) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weights p and slopes s of sigmoid(x) ~ sum_i p_i Phi(s_i x), the closed form that the peers evaluate.

    With c_i = s_i / sqrt(1 + s_i^2 b^2): S = sum_i p_i Phi(c_i a), L = a S + sum_i p_i phi(c_i a) / c_i, so that S is
    exactly dL/da. Averaging over z cannot raise the error of S, which is therefore largest at b = 0.

    Parameters
    ----------
    terms : 5, 6, 7, 8 or 10.

    Returns
    -------
    weights, slopes : (terms,) each.
    error : bound of the absolute error of S, for all a and b.

    Raises
    ------
    ValueError : no mixture with that number of terms is known.

    Source: Monahan and Stefanski, in Handbook of the Logistic Distribution (1992), for 8 terms; the others were fitted
    in the same way.
    """
    if terms not in _PROBIT:
        raise ValueError(f"no probit mixture with {terms!r} terms; valid: {', '.join(map(str, _PROBIT))}")
    error, weights, slopes = _PROBIT[terms]
    return np.array(weights), np.array(slopes), error
