"""What figures say of the accuracy of the fates that they show."""

import pytest

from vicollapse.figures import captions, registry

CHECKED = {"rechecked": 37104, "recheck_disagreements": 3}
WORDS = "3 of 37,104 fates differ at a 100 times tighter tolerance (95 %: 0.0027 to 0.024 %)"


def foot(figure):
    return figure.texts[0].get_text().splitlines()


def drawn(kind, *diagrams, **options):
    known, chosen = registry.get(kind), registry.parse_options(kind, options)
    given = {d.attrs["study"]: d for d in diagrams}
    return known.draw(given, chosen), known.caption(given, chosen)


def test_a_phase_diagram_says_how_many_fates_depend_on_the_tolerance(softmax):
    figure, caption = drawn("phase_diagram", softmax.assign_attrs(CHECKED))
    assert foot(figure)[1:] == [WORDS]
    assert f"Of this study {WORDS}." in caption


def test_the_foot_stays_inside_the_figure(softmax):
    figure, _ = drawn("phase_diagram", softmax.assign_attrs(CHECKED))
    figure.draw_without_rendering()
    box = figure.texts[0].get_window_extent()
    assert box.x0 > 0
    assert box.y0 > 0
    assert box.x1 < figure.bbox.x1
    assert all(panel.get_tightbbox().y0 >= box.y1 for panel in figure.axes)


@pytest.mark.parametrize("attributes", [{}, {"rechecked": 0, "recheck_disagreements": 0}])
def test_nothing_is_said_where_nothing_was_checked(softmax, attributes):
    figure, caption = drawn("phase_diagram", softmax.assign_attrs(attributes))
    assert len(foot(figure)) == 1
    assert "tolerance" not in caption


def test_every_study_has_its_line(softmax, fixed):
    two = [softmax.assign_attrs(CHECKED), fixed.assign_attrs(rechecked=500, recheck_disagreements=0)]
    figure, _ = drawn("collapse_curve", *two, select={"init_scale": 0.1})
    assert foot(figure)[2:] == [
        f"vanishing weight: {WORDS}",
        "mean alignment: 0 of 500 fates differ at a 100 times tighter tolerance (95 %: 0 to 0.76 %)",
    ]


def test_slices_of_one_study_share_a_line(patterns):
    checked = patterns.assign_attrs(CHECKED)
    foot = captions.foot((checked, checked.isel(separation=i)) for i in (0, 1, 1)).splitlines()
    assert len(foot) == 3
    assert foot[2] == WORDS
