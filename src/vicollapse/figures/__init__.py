"""Figures: named phase diagrams in, a matplotlib Figure out; `render` writes those that a config asks for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vicollapse.figures.writing import render as render

__all__ = ["render"]


def __getattr__(name: str) -> Any:
    # `render` needs matplotlib, which `plan` and `--help` must not pay for
    if name != "render":
        raise AttributeError(f"module 'vicollapse.figures' has no attribute '{name}'")
    from vicollapse.figures.writing import render

    return render
