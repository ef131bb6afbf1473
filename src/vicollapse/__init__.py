"""vicollapse: will variational inference collapse, why, and what prevents it?

Public functions: `logistic_normal`, `two_mode_flow`, `collapse_probability`, `separatrix_probability`,
`recommend_annealing`, `open_phase_diagram`; imported on first use, so that `import vicollapse` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vicollapse.api.flow import two_mode_flow
    from vicollapse.api.probability import collapse_probability
    from vicollapse.api.recommend import recommend_annealing
    from vicollapse.api.separatrix import separatrix_probability
    from vicollapse.mixture.integrals import logistic_normal
    from vicollapse.sweep.phase_diagram import open_phase_diagram

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "collapse_probability",
    "logistic_normal",
    "open_phase_diagram",
    "recommend_annealing",
    "separatrix_probability",
    "two_mode_flow",
]

_HOMES = {
    "collapse_probability": "vicollapse.api.probability",
    "logistic_normal": "vicollapse.mixture.integrals",
    "open_phase_diagram": "vicollapse.sweep.phase_diagram",
    "recommend_annealing": "vicollapse.api.recommend",
    "separatrix_probability": "vicollapse.api.separatrix",
    "two_mode_flow": "vicollapse.api.flow",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vicollapse' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
