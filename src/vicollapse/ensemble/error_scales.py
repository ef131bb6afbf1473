"""What the error of a step is measured against, as text: the same for the CPU and for GPUs."""

from vicollapse.symbolic import System


def error_scales(system: System, before: str, after: str) -> tuple[dict[str, str], list[str]]:
    """The size of every state: its own, or the length of the vector that it is a component of (`System.relative_to`).

    Parameters
    ----------
    system : the equations.
    before, after : texts of the states before and after the step, with {} for the number of a state.

    Returns
    -------
    lengths : name -> expression, of the vectors, to be evaluated first.
    sizes : one expression per state.
    """
    rows = {x: i for i, x in enumerate(system.state)}
    vectors = list(dict.fromkeys(system.relative_to.values()))
    lengths = {}
    for k, vector in enumerate(vectors):
        squares = (" + ".join(f"{r.format(rows[x])} * {r.format(rows[x])}" for x in vector) for r in (before, after))
        lengths[f"_length{k}"] = f"sqrt(larger({', '.join(squares)}))"
    sizes = [
        f"_length{vectors.index(system.relative_to[x])}"
        if x in system.relative_to
        else f"larger(fabs({before.format(i)}), fabs({after.format(i)}))"
        for x, i in rows.items()
    ]
    return lengths, sizes
