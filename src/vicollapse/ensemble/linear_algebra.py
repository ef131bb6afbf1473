"""LU decomposition of small systems as unrolled text, zeros skipped, without pivoting.

1/(gamma dt) - J has a dominant diagonal for small steps, and a bad pivot shows as a large error and a smaller step:
no trajectory has needed pivoting.
"""

from vicollapse.ensemble.lanes import LaneSource

Entries = set[tuple[int, int]]


def factorise(source: LaneSource, jacobian: Entries, n: int, gamma: float) -> Entries:
    """Append the factors of 1/(gamma dt) - J; rows `_J{i}_{j}` in, rows `_lu{i}_{j}` out (diagonal inverted).

    Returns
    -------
    set of (row, column) : the nonzero factors.
    """
    entries = set(jacobian) | {(i, i) for i in range(n)}
    for i, j in sorted(entries):
        minus = f"-_J{i}_{j}" if (i, j) in jacobian else "0.0"
        source.let(f"_a{i}_{j}", f"{1 / gamma!r} * _per_dt + {minus}" if i == j else minus)
    for k in range(n):
        source.keep(f"_lu{k}_{k}", f"1.0 / _a{k}_{k}")
        for j in (j for j in range(k + 1, n) if (k, j) in entries):
            source.keep(f"_lu{k}_{j}", f"_a{k}_{j}")
        for i in (i for i in range(k + 1, n) if (i, k) in entries):
            source.keep(f"_lu{i}_{k}", f"_a{i}_{k} * _lu{k}_{k}")
            _eliminate(source, entries, i, k, n)
    return entries


def _eliminate(source, entries, i, k, n):
    for j in (j for j in range(k + 1, n) if (k, j) in entries):
        before = f"_a{i}_{j}" if (i, j) in entries else "0.0"
        source.let(f"_a{i}_{j}", f"{before} - _lu{i}_{k} * _a{k}_{j}")
        entries.add((i, j))


def solve(source: LaneSource, entries: Entries, n: int) -> None:
    """Append the substitution that overwrites the locals `_b{i}` by the solution."""
    for i in range(n):
        known = [f"_lu{i}_{j} * _b{j}" for j in range(i) if (i, j) in entries]
        source.let(f"_b{i}", " - ".join([f"_b{i}", *known]))
    for i in reversed(range(n)):
        known = [f"_lu{i}_{j} * _b{j}" for j in range(i + 1, n) if (i, j) in entries]
        source.let(f"_b{i}", f"({' - '.join([f'_b{i}', *known])}) * _lu{i}_{i}")
