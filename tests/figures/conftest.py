"""Synthetic phase diagrams, laid out like the files that `vicollapse aggregate` writes, with plausible numbers."""

import json

import numpy as np
import pytest
import xarray as xr

from vicollapse.intervals import wilson

OUTCOMES = ("covered", "aligned", "vanished", "failed")
SINGLE = {
    "weights": "softmax", "dimension": 2, "separation": 3.0, "init_scale": 0.1, "initial_law": "isotropic",
    "initial_log_odds": 0.0, "imbalance": 0.0, "annealing": None, "t_end": 1e4, "rtol": 1e-6, "fates_only": False,
    "mass_threshold": 0.1, "weight_threshold": 0.01, "max_steps": 100000,
}  # fmt: skip
GRID = {
    "dimension": np.array([2, 10, 100, 10000]),
    "separation": np.round(np.linspace(0.5, 10, 24), 6),
    "init_scale": np.geomspace(0.01, 3, 20),
}


def collapse(d, sep, scale, t_end, softmax):
    """(aligned, vanished): shapes like the real ones, no claim to be them."""
    size = np.clip(scale * np.sqrt(d) ** 0.6 / 1.4, 0, 30)
    rise = 1 / (1 + np.exp(-(sep - 2.7) / 0.12))
    p = 2 / np.pi * np.arctan(size ** (2.2 / np.maximum(sep, 1))) * rise
    if not softmax:
        return np.minimum(p, 0.5), np.zeros_like(p)
    dead = 1 / (1 + np.exp(-(sep - 5.5) / 0.8)) * (1 - 0.03 * np.log10(t_end))
    far = 1 / (1 + np.exp(-4 * np.log(scale**2 * d / 60))) * (sep > 1.9)
    vanished = np.clip(np.maximum(0.9 * dead * (0.4 + p), 0.97 * far), 0, 0.99)
    return np.minimum(p * (1 - dead), 1 - vanished), vanished


def grid_diagram(study="toy_study", axes=None, replicates=256, seed=1, probabilities=None, **fixed):
    """A phase diagram over `axes`; `probabilities` is a function of the parameters -> (aligned, vanished)."""
    axes = {k: np.asarray(v) for k, v in (GRID if axes is None else axes).items()}
    known = {**SINGLE, **fixed}
    shape = tuple(len(v) for v in axes.values())
    mesh = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    at = [np.broadcast_to(mesh.get(k, known[k]), shape) for k in ("dimension", "separation", "init_scale", "t_end")]
    if probabilities is None:
        aligned, vanished = collapse(*(a.astype(float) for a in at), known["weights"] != "fixed")
        rng = np.random.Generator(np.random.Philox(seed))
        p = np.stack([1 - aligned - vanished, aligned, vanished, np.zeros(shape)], axis=-1).clip(0)
        count = np.moveaxis(rng.multinomial(replicates, p / p.sum(-1, keepdims=True)), -1, 0)
    else:
        lost = np.stack(np.broadcast_arrays(*probabilities(**mesh), np.zeros(shape)))
        count = np.rint(replicates * np.concatenate([1 - lost.sum(0)[None], lost])).astype(int)
    return _dataset(study, axes, count, known, seed, replicates)


def _dataset(study, axes, count, known, seed, replicates):
    dims = tuple(axes)
    lost = count[1] + count[2]
    fields = {"count": (("outcome", *dims), count), "replicates": (dims, count.sum(0))}
    for name, k, d in (
        ("probability", count, ("outcome", *dims)), ("collapsed", lost, dims), ("redundant", count[0] // 3, dims),
    ):  # fmt: skip
        total = count.sum(0)
        low, high = wilson(k, np.broadcast_to(total, k.shape))
        fields |= {name: (d, k / np.maximum(total, 1)), f"{name}_low": (d, low), f"{name}_high": (d, high)}
    fields |= {"collapsed_count": (dims, lost), "redundant_count": (dims, count[0] // 3)}
    parameters = {k: v for k, v in known.items() if k not in axes}
    attributes = {
        "title": "Gradient flow of the reverse KL, two components, two modes", "study": study,
        "description": "synthetic",
        "experiment": "gradient_flow", "seed": seed, "format_version": 1, "parameters": json.dumps(parameters),
        "study_config": "{}", "collapsed_outcomes": json.dumps(["aligned", "vanished"]),
    }  # fmt: skip
    return xr.Dataset(fields, {**axes, "outcome": list(OUTCOMES)}, attributes)


def _path(fate, start, times, mu):
    """Coordinates (time, component, 3) and logit (time) that end in that fate."""
    ends = {"covered": (mu, -mu), "aligned": (mu, 0.95 * mu), "vanished": (mu, start[1, 0]), "failed": (mu, -mu)}[fate]
    grow = 1 - np.exp(-times / np.array([[3.0], [5.0]]))
    means = np.repeat(start[None], len(times), axis=0)
    means[:, :, 0] += (grow * (np.array(ends)[:, None] - start[:, :1])).T
    means[:, :, 1:] *= np.exp(-times / 4)[:, None, None] if fate != "vanished" else 1
    return means, 2 * np.log1p(times) * (fate == "vanished")


def kept_diagram(study="patterns", fates=("covered", "aligned", "vanished", "covered"), seed=1, **fixed):
    """A study of one point per separation with kept trajectories of those fates."""
    axes = {"separation": np.array([4.0, 6.0])}
    diagram = grid_diagram(study, axes, replicates=len(fates) * 64, seed=seed, **fixed)
    times = np.concatenate([[0.0], np.geomspace(0.1, 1e4, 60)])
    rng = np.random.Generator(np.random.Philox(seed))
    means, logit = np.empty((2, len(fates), len(times), 2, 3)), np.empty((2, len(fates), len(times)))
    for i, mu in enumerate(axes["separation"]):
        for j, fate in enumerate(fates):
            start = rng.normal(size=(2, 3)) * [1, 1, 0]
            means[i, j], logit[i, j] = _path(fate, start, times, mu)
    which = np.array([OUTCOMES.index(f) for f in fates], np.uint8)
    return diagram.assign(
        means=(("separation", "trajectory", "time", "component", "coordinate"), means),
        logit=(("separation", "trajectory", "time"), logit),
        trajectory_outcome=(("separation", "trajectory"), np.tile(which, (2, 1))),
    ).assign_coords(time=times)


@pytest.fixture
def softmax():
    return grid_diagram("vanishing_weight", weights="softmax")


@pytest.fixture
def fixed():
    return grid_diagram("mean_alignment", weights="fixed")


@pytest.fixture
def tail():
    axes = {"dimension": [2, 100], "init_scale": [0.1, 1.0], "t_end": np.geomspace(10, 1e8, 15)}
    return grid_diagram("metastable_tail", axes, replicates=4096, separation=6.0)


@pytest.fixture
def patterns():
    return kept_diagram()


def annealed_grid(study="ramp", **changes):
    """A study over initial inverse temperature and duration: P = 0.8 beta0^0.3, of which all but 0.1 vanished."""
    axes = {"annealing.beta0": np.geomspace(0.01, 1, 9), "annealing.duration": np.geomspace(1, 1e3, 7)}
    axes |= changes.pop("axes", {})

    def probabilities(**at):
        p = 0.8 * at["annealing.beta0"] ** 0.3
        return np.minimum(p, 0.1), np.maximum(p - 0.1, 0)

    given = {"replicates": 1000, "probabilities": probabilities, "annealing": {"schedule": "linear"}} | changes
    return grid_diagram(study, axes, **given)


@pytest.fixture
def make_annealed():
    return annealed_grid


@pytest.fixture
def ramp():
    return annealed_grid()


@pytest.fixture
def ramp_paths():
    ramp = {"schedule": "linear", "beta0": 0.01, "duration": 100.0, "time_constant": None}
    return kept_diagram("ramp_paths", annealing=ramp)


@pytest.fixture
def make_grid():
    return grid_diagram


@pytest.fixture
def make_kept():
    return kept_diagram
