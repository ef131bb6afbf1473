"""The probability of collapse without simulation: against simulations, limits, and where it must not answer."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import vicollapse as vc
from vicollapse.errors import ConfigError
from vicollapse.mixture import annealing_theory, leader_follower, planar_tables, sweep_times, theory
from vicollapse.mixture.integrals import logistic_normal
from vicollapse.mixture.leader_follower import critical_ratio
from vicollapse.mixture.sweep_times import Course


def formula(dimension, init_scale, separation, annealing=None, **others):
    return annealing_theory.annealed_collapse_probability(
        dimension=dimension, separation=separation, init_scale=init_scale, annealing=annealing, **others
    )


def linear(beta0, duration):
    return {"schedule": "linear", "beta0": beta0, "duration": duration}


def table(times, betas):
    return {"schedule": "table", "times": times, "betas": betas}


def simulated(dimension, init_scale, separation, annealing, replicates, weights="fixed", t_end=1e4, **others):
    found = vc.collapse_probability(
        dimension=dimension,
        separation=separation,
        init_scale=init_scale,
        weights=weights,
        annealing=annealing,
        t_end=t_end,
        replicates=replicates,
        seed=17,
        threads=1,
        fates_only=True,
        **others,
    )
    assert found.probability["failed"] == 0
    return found.collapsed


KNOWN = [  # 3000 draws or more each, computed independently: d, init_scale, |mu|, ramp, probability
    (1, 0.01, 4, None, 0.065), (1, 0.1, 2.5, None, 0.021), (1, 1, 2.5, None, 0.220), (10, 0.1, 10, None, 0.379),
    (10, 1, 3, None, 0.417), (100, 0.1, 3, None, 0.110), (100, 1, 2.5, None, 0.434), (100, 0.1, 2, None, 0.0),
    (10, 0.01, 4, linear(0.05, 20), 0.002), (10, 0.1, 4, linear(0.05, 20), 0.030),
    (10, 0.1, 4, linear(0.05, 200), 0.017),
    (100, 0.1, 6, linear(0.01, 1000), 0.092), (100, 0.1, 6, linear(0.1, 100), 0.128),
    (100, 0.3, 6, linear(0.05, 200), 0.357), (1000, 0.1, 6, linear(0.05, 200), 0.316),
    (100, 0.1, 10, linear(0.01, 1000), 0.144), (3, 0.3, 3, linear(0.05, 50), 0.029),
    (100, 1, 6, linear(0.1, 1000), 0.497),
    (1, 2.77782, 3.745, {"schedule": "geometric", "beta0": 0.0185, "duration": 64.595}, 0.148),
    (3, 1.49091, 3.247, {"schedule": "linear_temperature", "beta0": 0.01734, "duration": 198.615}, 0.156),
    (100, 0.02861, 3.295, {"schedule": "exponential", "beta0": 0.42823, "time_constant": 181.09}, 0.0083),
]  # fmt: skip


@pytest.mark.parametrize(("dimension", "init_scale", "separation", "annealing", "known"), KNOWN)
def test_against_known_probabilities(dimension, init_scale, separation, annealing, known):
    found = formula(dimension, init_scale, separation, annealing)
    assert found == pytest.approx(known, abs=0.003 + 3 * np.sqrt(max(found * (1 - found), 3e-4) / 3000))


RANDOM = [  # hard ones: near the critical separation, apart from the start
    (1000, 1.99076, 2.614, linear(0.41326, 304.941)),
    (100, 0.19115, 3.234, linear(0.09342, 492.319)),
    (3, 1.14122, 2.279, None),  # the aligned pair leaves the far mode more than the threshold
    (3, 1.0, 2.4, None),
    (10000, 0.0451, 6.861, None),
]


@pytest.mark.parametrize(("dimension", "init_scale", "separation", "annealing"), RANDOM)
def test_against_simulation(dimension, init_scale, separation, annealing):
    replicates = 20000
    found = formula(dimension, init_scale, separation, annealing)
    share = simulated(dimension, init_scale, separation, annealing, replicates)
    assert share == pytest.approx(found, abs=0.002 + 3 * np.sqrt(max(found * (1 - found), 1e-5) / replicates))


def test_a_table_is_the_ramp_that_it_describes():
    ramp = formula(10, 0.2, 5.0, linear(0.1, 50))
    assert formula(10, 0.2, 5.0, table([0, 25, 50], [0.1, 0.55, 1.0])) == pytest.approx(ramp, abs=1e-4)


def test_the_time_of_observation_counts():
    early = formula(10, 0.1, 4.0, t_end=4.0)
    assert early < 0.7 * formula(10, 0.1, 4.0)
    assert simulated(10, 0.1, 4.0, None, 20000, t_end=4.0) == pytest.approx(early, abs=0.008)


@pytest.mark.parametrize(
    ("dimension", "init_scale", "separation", "annealing"),
    [(10, 0.1, 6.0, linear(0.01, 1000)), (1000, 0.03, 5.0, linear(0.02, 300)), (2, 0.5, 8.0, linear(0.02, 1000))],
)
def test_softmax_where_annealing_keeps_the_weights_alive(dimension, init_scale, separation, annealing):
    found = formula(dimension, init_scale, separation, annealing, weights="softmax")
    share = simulated(dimension, init_scale, separation, annealing, 6000, weights="softmax")
    assert share == pytest.approx(found, abs=0.025)


def test_nan_where_no_formula_holds():
    slow = linear(0.01, 1000)
    assert np.isfinite(formula(10, 0.1, 6.0, slow, weights="softmax"))
    assert np.isnan(formula(10, 0.1, 6.0, None, weights="softmax"))  # weights vanish
    assert np.isnan(formula(10, 0.1, 3.0, slow, weights="softmax"))  # weights help the pair to part
    assert np.isnan(formula(1000, 0.2, 6.0, slow, weights="softmax"))  # starts far out
    assert np.isnan(formula(10, 0.1, 6.0, slow, weights="fisher_rao"))
    assert np.isnan(formula(10, 0.1, 6.0, slow, imbalance=0.1))
    adaptive = {"schedule": "adaptive", "beta0": 0.1, "time_constant": 1.0, "rate": 0.1}
    assert np.isnan(formula(10, 0.1, 6.0, adaptive))
    with pytest.raises(ConfigError, match="cubic"):
        formula(10, 0.1, 6.0, {"schedule": "cubic"})


def test_starts_already_apart_cannot_be_helped():
    for annealing in (None, linear(0.01, 1000), {"schedule": "constant", "beta0": 0.3}):
        assert formula(10**6, 1.0, 6.0, annealing) == pytest.approx(0.5, abs=1e-3)


def test_below_the_critical_separation_nothing_collapses():
    assert np.isnan(formula(10, 0.1, 2.3))  # too near
    assert formula(10, 0.1, 1.2) == pytest.approx(0, abs=1e-6)
    assert formula(10, 0.1, 2.2) == pytest.approx(0, abs=1e-6)
    assert formula(1, 0.3, 3.0, {"schedule": "constant", "beta0": 0.25}) == pytest.approx(0, abs=1e-6)  # beta < .30


def test_small_starts_follow_the_power_law():
    """P ~ init_scale^(1/(c - 1)) as init_scale vanishes, with the exponent of `small_scale_collapse_probability`."""
    separation = 3.0
    low, high = (formula(1, init_scale, separation) for init_scale in (1e-4, 1e-3))
    exponent = 1 / (float(theory.midpoint_gain(separation)) - 1)
    assert np.log10(high / low) == pytest.approx(exponent, rel=0.03)
    for separation in (4.0, 6.0, 10.0):
        known = float(theory.small_scale_collapse_probability(separation, 0.01))
        assert formula(1, 0.01, separation) == pytest.approx(known, abs=0.02)


def test_more_separation_more_spread_less_annealing_more_collapse():
    rising = [
        [formula(10, 0.1, separation) for separation in (2.4, 2.6, 3, 4, 6, 10)],
        [formula(10, init_scale, 5.0) for init_scale in (0.003, 0.03, 0.1, 0.3, 1)],
        [formula(dimension, 0.1, 5.0) for dimension in (1, 2, 10, 100, 1000)],
        [formula(100, 0.1, 6.0, linear(beta0, 100)) for beta0 in (0.01, 0.1, 0.3, 0.9)],
        [formula(100, 0.1, 6.0, linear(0.05, duration)) for duration in (1000, 100, 10, 1)],
    ]
    for probabilities in rising:
        assert (np.diff(probabilities) > 0).all(), probabilities


def test_the_critical_ratio_parts_the_fates():
    """Trajectories just above and below it, by SciPy with exact integrals."""
    separation, start = 3.5, np.array([0.3])
    course = Course(separation, lambda t: np.minimum(0.2 + 0.04 * np.asarray(t), 1.0), (20.0,), 500.0, 0.1)
    rho = critical_ratio(course, start, 2 * start)[0]

    def rhs(t, y):
        x_1, x_2, v = y
        D, beta = np.hypot(x_1 - x_2, v), course.beta(t)
        R = float(logistic_normal(-D * D / 2, D)[0])
        T = 2 * logistic_normal(2 * separation * y[:2], 2 * separation)[0] - 1
        pull = beta * (separation * T - y[:2])
        return [(R * (x_1 - x_2) + pull[0]) / 2, (R * (x_2 - x_1) + pull[1]) / 2, (R - beta / 2) * v]

    ends = []
    for other in (rho - 0.01, rho + 0.01):
        x = 0.3 / np.hypot(1, other)
        ends.append(solve_ivp(rhs, (0, 500), [x, other * x, 0.6], method="LSODA", rtol=1e-8, atol=1e-10).y[1, -1])
    assert ends[0] < -3 < 3 < ends[1]


@pytest.mark.parametrize("separation", [2.3, 3.0, 5.0])
def test_the_tabulated_critical_beta(separation):
    least, ratio = planar_tables.least_aligning_beta(separation)
    assert 0 < ratio < 1
    assert theory.critical_separation(least) == pytest.approx(separation, abs=2e-3)
    assert planar_tables.least_aligning_beta(1.0)[0] == np.inf
    assert planar_tables.least_aligning_beta(separation, 0.1)[0] >= least


@pytest.mark.parametrize(("dimension", "init_scale", "beta"), [(100, 1.0, 0.02), (10, 0.3, 0.03)])
def test_hot_pairs_that_stay_split_across_mu_are_refused(dimension, init_scale, beta):
    """No pair stays aligned along mu there, but one at a mode turns too slowly: .38 and .03 of them have not by 1e4."""
    hot = {"schedule": "constant", "beta0": beta}
    assert np.isnan(formula(dimension, init_scale, 4.0, hot))
    assert formula(1, init_scale, 4.0, hot) == 0
    assert simulated(dimension, init_scale, 4.0, hot, 1000) > 0.015


def test_split_pairs_have_turned_where_the_target_gets_cold():
    assert formula(100, 1.0, 2.1, linear(0.01, 1000)) == 0
    assert simulated(100, 1.0, 2.1, linear(0.01, 1000), 2000) == 0


def test_a_target_that_gets_hot_again_is_refused():
    assert np.isnan(formula(10, 0.1, 3.0, table([0, 50, 100, 1000], [1, 1, 0.001, 1])))
    assert np.isfinite(formula(10, 0.1, 3.0, table([0, 50, 100, 1000], [1, 1, 0.9, 1])))


@pytest.mark.parametrize(
    ("init_scale", "separation", "annealing", "t_end", "known"),
    [(2.0, 4.0, linear(0.01, 1000), 100.0, 0.0336), (3.0, 6.0, linear(1e-3, 1e5), 1e4, 0.092)],
)
def test_sweeps_that_agree_at_the_beginning_alone_are_refused(init_scale, separation, annealing, t_end, known):
    found = formula(1, init_scale, separation, annealing, t_end=t_end)
    assert np.isnan(found) or found == pytest.approx(known, abs=0.01)


STEEP = [
    (100, 0.1, 6.0, {"schedule": form, "beta0": beta0, "duration": duration})
    for form in ("linear", "linear_temperature", "geometric")
    for beta0, duration in ((1e-6, 3000.0), (1e-5, 100.0), (1e-3, 1.0))
] + [(1000, 1.1, 2.67, table([0, 35, 93, 116], [0.04, 0.09, 0.2, 1])), (3, 1.0, 2.4, None)]


@pytest.mark.parametrize("problem", STEEP)
def test_half_the_steps_agree(problem, monkeypatch):
    coarse = formula(*problem)
    for name in ("_STEP", "_LATE_STEP", "_GROWTH", "_NEGLIGIBLE"):
        monkeypatch.setattr(sweep_times, name, getattr(sweep_times, name) / 2)
    assert formula(*problem) == pytest.approx(coarse, abs=0.001)


def test_a_steep_hot_ramp_against_simulation():
    ramp = {"schedule": "linear_temperature", "beta0": 1e-5, "duration": 3000}
    found = formula(100, 0.1, 6.0, ramp)
    assert simulated(100, 0.1, 6.0, ramp, 10000) == pytest.approx(found, abs=0.01)


def test_work_is_bounded(monkeypatch):
    ramp = linear(0.05, 200)
    assert np.isfinite(formula(3, 0.3, 3.0, ramp))
    monkeypatch.setattr(leader_follower, "_MOST_WORK", 100)
    assert np.isnan(formula(3, 0.3, 3.0, ramp))
    monkeypatch.undo()
    monkeypatch.setattr(sweep_times, "_MOST_STEPS", 20)
    assert np.isnan(formula(3, 0.3, 3.0, ramp))


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimension": 0}, {"dimension": 0.5}, {"separation": 0}, {"init_scale": -1}, {"init_scale": np.nan},
        {"t_end": 0}, {"t_end": np.inf}, {"mass_threshold": 0}, {"mass_threshold": 1}, {"weights": "softmx"},
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_name(wrong):
    given = {"dimension": 10, "separation": 6.0, "init_scale": 0.1} | wrong
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        annealing_theory.annealed_collapse_probability(**given)
    assert "weights" not in wrong or "did you mean 'softmax'" in str(caught.value)


def test_small_probabilities_are_refused_while_pairs_have_no_time_to_part():
    assert np.isnan(formula(1, 2.08783, 3.203, linear(0.0265, 1058.0), t_end=42.85))  # .005
    assert np.isnan(formula(10, 0.1, 1.2, t_end=1.0))


@pytest.mark.parametrize(("dimension", "separation", "init_scale"), [(100, 6.0, 0.1), (10, 4.0, 0.1), (3, 5.0, 0.1)])
def test_least_probability(dimension, separation, init_scale):
    """Among schedules of one duration none falls far below it, and one comes near; more time helps little."""
    duration, rng = 100.0, np.random.default_rng(1)
    least = annealing_theory.least_collapse_probability(
        dimension=dimension, separation=separation, init_scale=init_scale, duration=duration
    )
    found = []
    for _ in range(12):
        low, bend = np.exp(rng.uniform(np.log(0.02), np.log(0.2))), rng.uniform(0.6, 0.98)
        schedule = table([0, bend * duration, duration], [low, 1.5 * low, 1])
        found.append(formula(dimension, init_scale, separation, schedule))
    assert 0.8 * least < min(found) < 2 * least
    patient = annealing_theory.least_collapse_probability(
        dimension=dimension, separation=separation, init_scale=init_scale, duration=100 * duration
    )
    assert 0.5 * least < patient < least


def test_no_least_probability_outside_its_range():
    for dimension, separation in ((1, 6.0), (10, 3.0)):
        found = annealing_theory.least_collapse_probability(
            dimension=dimension, separation=separation, init_scale=0.1, duration=100.0
        )
        assert np.isnan(found)
