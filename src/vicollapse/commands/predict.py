"""Predict the probability of each fate for one set of parameters, in a second or two, from random starts.

The trajectories are those of a study's cell with the same parameters and seed.
"""

import argparse
from typing import TYPE_CHECKING, Any

from vicollapse.commands import common
from vicollapse.cores import available_threads
from vicollapse.errors import ConfigError

if TYPE_CHECKING:
    from vicollapse.api.probability import CollapseProbability
    from vicollapse.api.separatrix import SeparatrixProbability

_MEANING = {
    "covered": "both modes keep their mass",
    "aligned": "a mode is lost: both means went to the other one",
    "vanished": "a mode is lost: the weight of its component died",
    "failed": "not finished: raise max_steps or loosen rtol",
    "collapsed": "a mode is lost, by either mechanism",
    "redundant": "a weight died but no mode is lost: one component serves both; not a collapse",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--dimension", type=int, required=True, help="dimension d of the space")
    add("--separation", type=float, required=True, help="half the distance of the modes, |mu|")
    add("--init-scale", type=float, default=0.1, help="standard deviation of the starts per coordinate (%(default)s)")
    add("--weights", default="softmax", help="fixed, softmax, fisher_rao or wasserstein_fisher_rao (%(default)s)")
    add("--t-end", type=float, default=1e4, help="time of observation (%(default)s)")
    add("--imbalance", type=float, default=0.0, help="h = log(pi_+/pi_-)/2 (%(default)s)")
    add("--initial-law", default="isotropic", help="law of the starts (%(default)s)")
    add(
        "--annealing",
        metavar="KEY=VALUE,...",
        help="e.g. schedule=linear,beta0=0.1,duration=10, or as JSON; none by default",
    )
    add("--replicates", type=common.positive, default=4000, help="random starts (%(default)s)")
    add("--seed", type=int, default=1, help="of the random starts (%(default)s)")
    add("--separatrix", action="store_true", help="locate the separatrix instead of sampling: far fewer trajectories")
    add("--tolerance", type=float, default=2e-3, help="of the probability, with --separatrix (%(default)s)")
    add("--threads", type=common.positive, default=available_threads(), metavar="N", help="threads (%(default)s)")
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Simulate and print."""
    given = {k: v for k, v in vars(options).items() if k not in ("run", "json", "annealing", "separatrix")}
    given["annealing"] = _annealing(options.annealing)
    if options.separatrix:
        _by_separatrix(options, given)
        return
    from vicollapse.api.probability import collapse_probability

    del given["tolerance"]
    result = collapse_probability(**given)
    if options.json:
        common.print_json(_plain(result, options.seed))
        return
    print(f"{_question(options)} of {options.replicates} random starts, seed {options.seed}")
    common.print_table(("fate", "probability", "95% interval", "what it means"), _rows(result))


def _by_separatrix(options: argparse.Namespace, given: dict[str, Any]) -> None:
    from vicollapse.api.separatrix import separatrix_probability

    del given["replicates"]
    result = separatrix_probability(**given)
    if options.json:
        common.print_json(_plain_separatrix(result, options.seed))
        return
    print(f"{_question(options)}, from {result.trajectories} trajectories next to separatrices, seed {options.seed}")
    shown = {**result.probability, "collapsed": result.collapsed}
    rows = [
        (name, f"{share:.4f}", f"+- {result.error[name]:.2g}", _MEANING[name])
        for name, share in shown.items()
        if share > 0 or name != "failed"
    ]
    common.print_table(("fate", "probability", "95% interval", "what it means"), rows)


def _plain_separatrix(result: "SeparatrixProbability", seed: int) -> dict[str, Any]:
    shares = {**result.probability, "collapsed": result.collapsed}
    return {
        "probability": result.probability,
        "collapsed": result.collapsed,
        "interval": {k: [max(p - result.error[k], 0), min(p + result.error[k], 1)] for k, p in shares.items()},
        "trajectories": result.trajectories,
        "seed": seed,
        "parameters": result.parameters,
    }


def _annealing(text: str | None) -> dict[str, Any] | None:
    if not text or text == "none":
        return None
    if text.lstrip().startswith("{"):
        return _from_json(text)
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigError(f"--annealing {text!r}: write KEY=VALUE,..., e.g. schedule=linear,beta0=0.1,duration=10")
    given = {key.strip(): _number(value.strip()) for key, _, value in pairs}
    if len(given) < len(pairs):
        raise ConfigError(f"--annealing {text!r}: a key is given twice")
    return given


def _from_json(text: str) -> dict[str, Any]:
    import json

    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise ConfigError(f"--annealing {text!r} is no JSON: {error}") from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _shares(result: "CollapseProbability") -> dict[str, float]:
    return {**result.probability, "collapsed": result.collapsed, "redundant": result.redundant}


def _rows(result: "CollapseProbability") -> list[tuple[str, str, str, str]]:
    shown = {name: share for name, share in _shares(result).items() if share > 0 or name != "failed"}
    interval = {name: "{:.4f} .. {:.4f}".format(*result.interval[name]) for name in shown}
    return [(name, f"{share:.4f}", interval[name], _MEANING[name]) for name, share in shown.items()]


def _question(options: argparse.Namespace) -> str:
    annealing = f", annealing {options.annealing}" if _annealing(options.annealing) else ""
    return (
        f"{options.weights} weights, d = {options.dimension}, |mu| = {options.separation:g}, "
        f"init scale {options.init_scale:g} ({options.initial_law}){annealing}: "
        f"fates at t = {options.t_end:g}"
    )


def _plain(result: "CollapseProbability", seed: int) -> dict[str, Any]:
    return {
        "probability": result.probability,
        "collapsed": result.collapsed,
        "redundant": result.redundant,
        "interval": {name: list(bounds) for name, bounds in result.interval.items()},
        "replicates": result.replicates,
        "seed": seed,
        "parameters": result.parameters,
    }
