"""Is it the same program, with the same libraries, on every rank?"""

import platform
from collections.abc import Mapping, Sequence

from vicollapse.checkup.findings import Finding, ok, place, warning
from vicollapse.checkup.setting import Setting
from vicollapse.sweep.provenance import library_version, source_state

_LIBRARIES = ("numpy", "numba", "h5py", "mpi4py")
_CUPY = ("cupy", "cupy-cuda13x", "cupy-cuda12x")  # one import, many distributions


def check(setting: Setting) -> Finding:
    """Compare versions of all ranks."""
    return judge(setting.team.hosts, setting.ranks.everywhere(versions))


def versions() -> dict[str, str]:
    """Name -> version of the program, Python and the libraries that matter; "none" for what is not installed."""
    commit, changed = source_state()
    found = {
        "vicollapse": library_version("vicollapse"),
        "commit": commit[:10] + (" (changed)" if changed else ""),
        "Python": platform.python_version(),
    }
    cupy = [version for version in map(library_version, _CUPY) if version != "none"]
    return found | {name: library_version(name) for name in _LIBRARIES} | {"cupy": cupy[0] if cupy else "none"}


def judge(hosts: Sequence[str], found: Sequence[Mapping[str, str]]) -> Finding:
    """Say which ranks differ from rank 0.

    Parameters
    ----------
    hosts : by rank.
    found : versions by rank.
    """
    text = ", ".join(f"{name} {version}" for name, version in found[0].items())
    unlike = [(rank, name) for rank, of in enumerate(found) for name in of if of[name] != found[0][name]]
    if not unlike:
        return ok(text)
    named = "; ".join(f"{place(rank, hosts)} has {name} {found[rank][name]}" for rank, name in unlike[:5])
    more = f" and {len(unlike) - 5} more" if len(unlike) > 5 else ""
    return warning(
        f"not the same on all ranks. Rank 0: {text}; {named}{more}",
        "use one installation on all machines (a shared folder, or the same lock file): results may differ otherwise",
    )
