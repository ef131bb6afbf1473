"""The PyTorch peer: torchode's Tsit5, each trajectory of the batch with its own steps, in float64."""

import torch
import torchode
from numpy.typing import NDArray
from peers import DENSITIES, VARIANCES, P, slopes
from problems import ATOL_OVER_RTOL, ProblemSet

torch.set_num_threads(1)
_P, _VARIANCES, _DENSITIES = (torch.from_numpy(x) for x in (P, VARIANCES, DENSITIES))


def torch_rhs(t, y, separation):
    """The right-hand side of all trajectories, y (n, 6)."""
    m1, m2, s11, s12, s22, lam = y.unbind(1)
    M, D2 = separation**2, (s11 + s22 - 2 * s12).clamp(min=0.0)
    a = torch.stack([-lam - D2 / 2, lam - D2 / 2, 2 * m1, 2 * m2], 1)
    b2 = torch.stack([D2, D2, 4 * M, 4 * M], 1)
    width = torch.sqrt(b2[..., None] + _VARIANCES)
    x = a[..., None] / width
    S = torch.special.ndtr(x) @ _P
    L = a * S + (torch.exp(-0.5 * x * x) * width) @ _DENSITIES
    ratio = torch.exp(-lam.abs())
    R12 = torch.where(lam >= 0, ratio * S[:, 1], S[:, 0])
    R21 = torch.where(lam >= 0, S[:, 1], ratio * S[:, 0])
    w1, w2 = torch.sigmoid(lam), torch.sigmoid(-lam)
    T1, T2 = 2 * S[:, 2] - 1, 2 * S[:, 3] - 1
    gap = lam + L[:, 0] - L[:, 1] + (s11 - s22) / 2 + m1 - m2 - L[:, 2] + L[:, 3]
    return torch.stack(slopes(m1, m2, s11, s12, s22, M, w1, w2, R12, R21, T1, T2, gap), 1)


@torch.no_grad()
def tsit5(problems: ProblemSet, t_end: float, rtol: float) -> NDArray:
    """Final statistics (n, 6), NaN where it failed."""
    n, separation = len(problems), torch.from_numpy(problems.separation)
    term = torchode.ODETerm(torch_rhs, with_args=True)
    control = torchode.IntegralController(atol=ATOL_OVER_RTOL * rtol, rtol=rtol, term=term)
    solver = torchode.AutoDiffAdjoint(torchode.Tsit5(term=term), control)
    ends = (torch.full((n,), float(t), dtype=torch.float64) for t in (0.0, t_end))
    start = torch.from_numpy(problems.y.copy())
    solution = solver.solve(torchode.InitialValueProblem(start, *ends), args=separation)
    final = solution.ys[:, -1].numpy()
    final[solution.status.numpy() != 0] = float("nan")
    return final
