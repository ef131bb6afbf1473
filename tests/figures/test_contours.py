"""Contours that are drawn only where the runs resolve them."""

import numpy as np

from vicollapse.figures.contours import resolved, smooth, window


def test_the_window_grows_with_the_table():
    assert [window(np.zeros((n, 50))) for n in (4, 10, 39, 40)] == [1, 3, 3, 5]


def test_smoothing_keeps_walls_and_slopes_and_halves_noise():
    wall = np.repeat(np.where(np.arange(30) < 13, 0.0, 1.0)[None], 30, axis=0)
    np.testing.assert_array_equal(smooth(wall), wall)
    slope = np.repeat(np.linspace(0, 1, 30)[None], 30, axis=0)
    np.testing.assert_allclose(smooth(slope)[:, 2:-2], slope[:, 2:-2], atol=1e-12)
    noise = np.random.Generator(np.random.Philox(1)).normal(0.5, 0.03, (40, 40))
    assert smooth(noise).std() < 0.5 * noise.std()


def test_corners_of_walls_are_not_cut():
    corner = np.zeros((48, 48))
    corner[20:, 15:] = 1.0
    np.testing.assert_array_equal(smooth(corner), corner)


def test_missing_cells_stay_missing_and_spoil_no_neighbour():
    table = np.full((8, 8), 0.3)
    table[2, 3] = np.nan
    found = smooth(table)
    assert np.isnan(found[2, 3])
    assert np.nanmin(found) == np.nanmax(found) == 0.3


def test_a_crossing_is_resolved_when_the_runs_suffice():
    table = np.repeat(np.linspace(0.4, 0.6, 30)[None], 30, axis=0)
    runs = np.full(table.shape, 4096)
    assert resolved(table, runs, 0.5)[:, 14:16].all()
    assert not resolved(table, runs, 0.9).any()
    assert not resolved(table, np.full(table.shape, 4), 0.5).any()
