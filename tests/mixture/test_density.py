"""Densities in the plane of mu."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import norm

from vicollapse.mixture.density import mixture_density, plane


def test_plane_has_square_cells_and_is_centred():
    grid = plane(6.0, 3.0, points=121)
    assert grid.shape == (61, 121, 2)
    np.testing.assert_allclose(grid[0, :, 0], np.linspace(-6, 6, 121))
    np.testing.assert_allclose(grid[:, 0, 1], np.linspace(-3, 3, 61))
    np.testing.assert_allclose(grid[::-1, ::-1], -grid, atol=1e-14)


def test_density_is_the_mixture_of_products_of_normals():
    rng = np.random.default_rng(0)
    grid, means, weights = rng.normal(0, 2, (5, 7, 2)), rng.normal(0, 2, (3, 2)), np.array([0.1, 0.6, 0.3])
    expected = sum(
        w * norm.pdf(grid[..., 0], x) * norm.pdf(grid[..., 1], y) for (x, y), w in zip(means, weights, strict=True)
    )
    np.testing.assert_allclose(mixture_density(grid, means, weights), expected, rtol=1e-13)


def test_density_integrates_to_one_and_has_the_right_centre():
    grid = plane(10.0, 8.0, points=161)
    density = mixture_density(grid, [[2.0, 1.0], [-1.0, 0.0]], [0.75, 0.25])
    along, across = grid[0, :, 0], grid[:, 0, 1]

    def integral(f):
        return trapezoid(trapezoid(f, along, axis=1), across)

    assert integral(density) == pytest.approx(1, abs=1e-9)
    assert integral(density * grid[..., 0]) == pytest.approx(1.25, abs=1e-7)
    assert integral(density * grid[..., 1]) == pytest.approx(0.75, abs=1e-7)


def test_number_of_means_and_weights_must_agree():
    with pytest.raises(ValueError, match="zip"):
        mixture_density(plane(1, 1, 3), [[0.0, 0.0]], [0.5, 0.5])
