"""The JAX peer: one jitted, vmapped diffrax solve of all trajectories in float64."""

from functools import cache

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from peers import DENSITIES, STEADY, VARIANCES, P, slopes
from problems import ATOL_OVER_RTOL, ProblemSet

jax.config.update("jax_enable_x64", True)


def jax_rhs(t, y, separation):
    """The right-hand side of one trajectory; XLA fuses the sums over the probits."""
    m1, m2, s11, s12, s22, lam = y
    M, D2 = separation**2, jnp.maximum(s11 + s22 - 2 * s12, 0.0)
    a = jnp.stack([-lam - D2 / 2, lam - D2 / 2, 2 * m1, 2 * m2])
    b2 = jnp.stack([D2, D2, 4 * M, 4 * M])
    width = jnp.sqrt(b2[:, None] + VARIANCES)
    x = a[:, None] / width
    S = 0.5 * ((1 + jax.lax.erf(x * np.sqrt(0.5))) * P).sum(-1)
    L = a * S + (jnp.exp(-0.5 * x * x) * width * DENSITIES).sum(-1)
    ratio = jnp.exp(-jnp.abs(lam))
    R12 = jnp.where(lam >= 0, ratio * S[1], S[0])
    R21 = jnp.where(lam >= 0, S[1], ratio * S[0])
    w1, w2 = jax.nn.sigmoid(lam), jax.nn.sigmoid(-lam)
    T1, T2 = 2 * S[2] - 1, 2 * S[3] - 1
    gap = lam + L[0] - L[1] + (s11 - s22) / 2 + m1 - m2 - L[2] + L[3]
    return jnp.stack(slopes(m1, m2, s11, s12, s22, M, w1, w2, R12, R21, T1, T2, gap))


@cache
def _ensemble(steady: bool):
    # tolerances and end are arguments, so that one compilation serves all of them
    event = diffrax.Event(diffrax.steady_state_event(rtol=0.0, atol=STEADY)) if steady else None

    def one(y, separation, t_end, rtol, atol):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(jax_rhs),
            diffrax.Tsit5(),
            0.0,
            t_end,
            None,
            y,
            separation,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
            event=event,
            max_steps=None,
            throw=False,
        )
        done = (solution.result == diffrax.RESULTS.successful) | (solution.result == diffrax.RESULTS.event_occurred)
        return jnp.where(done, solution.ys[-1], jnp.nan)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, None, None, None)))


def tsit5(problems: ProblemSet, t_end: float, rtol: float, steady: bool = True) -> NDArray[np.float64]:
    """Final statistics (n, 6); compiles once per number of trajectories."""
    solve = _ensemble(steady)
    final = solve(problems.y, problems.separation, t_end, rtol, ATOL_OVER_RTOL * rtol)
    return np.asarray(final.block_until_ready())
