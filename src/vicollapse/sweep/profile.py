"""What a profile of Snakemake asks for the jobs that simulate: ranks, cores, GPUs, time and memory, jobs at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from vicollapse.errors import ConfigError

RULE = "simulate"
PROFILES = Path("profiles")
_MINUTES = {
    "": 1.0,
    "s": 1 / 60,
    "m": 1,
    "min": 1,
    "minute": 1,
    "h": 60,
    "hour": 60,
    "d": 1440,
    "day": 1440,
    "w": 10080,
}
_MEGABYTES = {"": 1.0, "k": 1e-3, "kb": 1e-3, "m": 1, "mb": 1, "g": 1e3, "gb": 1e3, "t": 1e6, "tb": 1e6}


@dataclass(frozen=True)
class Profile:
    """One profile, as far as it concerns simulations.

    Parameters
    ----------
    path : the file.
    jobs : at once, as far as the cores go that it allows; None if it does not say.
    ranks, threads : of one job, and of each of its ranks.
    nodes, gpus : of one job.
    minutes, megabytes : time limit, and memory on a node; None where the workflow asks for what a shard needs.
    unclear : resources whose values only Snakemake can work out, such as expressions.
    """

    path: Path
    jobs: int | None
    ranks: int
    threads: int
    nodes: int
    gpus: int
    minutes: float | None
    megabytes: float | None
    unclear: tuple[str, ...] = ()

    @property
    def cores(self) -> int:
        """Cores of one job."""
        return self.ranks * self.threads


def read_profile(path: Path) -> Profile:
    """Read a profile.

    Parameters
    ----------
    path : its folder, its file, or the name of a folder in `profiles/`.

    Raises
    ------
    ConfigError : there is no such profile, or its file is not what Snakemake reads.
    """
    file = _find(path)
    try:
        data = yaml.safe_load(file.read_text(encoding="utf8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read as YAML ({str(error).splitlines()[0]}); {_hint()}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{file}: a profile is a mapping of options to values; {_hint()}")
    return _profile(file, data)


def _profile(file: Path, data: Mapping[str, Any]) -> Profile:
    asked = {**_pairs(data.get("default-resources")), **_of_rule(data.get("set-resources"))}
    asked |= {name: data.get(name) for name in ("jobs", "cores")}
    asked["threads"] = _pairs(data.get("set-threads")).get(RULE)
    if not asked.get("mpi"):
        asked["tasks"] = 1
    numbers = {
        name: _number(asked.get(name))
        for name in ("jobs", "cores", "threads", "tasks", "nodes", "cpus_per_task", "mem_mb")
    }
    numbers |= {"runtime": _number(asked.get("runtime"), _MINUTES), "mem": _number(asked.get("mem"), _MEGABYTES)}
    ranks = int(numbers["tasks"] or 1)
    threads = max(1, int(numbers["cpus_per_task"] or (numbers["threads"] or 1) // ranks))
    at_once = [numbers["jobs"], (numbers["cores"] or 0) // (ranks * threads)]
    return Profile(
        path=file,
        jobs=min((int(number) for number in at_once if number), default=None),
        ranks=ranks,
        threads=threads,
        nodes=int(numbers["nodes"] or 1),
        gpus=_gpus(asked, ranks),
        minutes=numbers["runtime"],
        megabytes=numbers["mem_mb"] or numbers["mem"],
        unclear=tuple(name for name, number in numbers.items() if number is None and asked.get(name) is not None),
    )


def _pairs(raw: Any) -> dict[str, Any]:
    # Snakemake takes a mapping, or a list of name=value
    if isinstance(raw, dict):
        return {str(key): value for key, value in raw.items()}
    pairs = (str(item).partition("=") for item in (raw if isinstance(raw, list) else []))
    return {name: value for name, _, value in pairs}


def _of_rule(raw: Any) -> dict[str, Any]:
    # {simulate: {name: value}}, or "simulate:name=value" in a list
    pairs = _pairs(raw)
    if isinstance(pairs.get(RULE), dict):
        return _pairs(pairs[RULE])
    return {key.removeprefix(f"{RULE}:"): value for key, value in pairs.items() if key.startswith(f"{RULE}:")}


def _number(value: Any, units: Mapping[str, float] = MappingProxyType({"": 1.0})) -> float | None:
    text = re.sub(r"^attempt\s*\*|\*\s*attempt$", "", str(value).strip(" '\"").lower()).strip()  # attempt is 1 at first
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text)
    unit = units.get(match[2]) or units.get(match[2].rstrip("s")) if match else None
    return float(match[1]) * unit if match and unit else None


def _gpus(asked: Mapping[str, Any], ranks: int) -> int:
    # gpu: 1, or what is passed on to SLURM: gres: "gpu:a100:2", slurm_extra: "--gpus=2"
    if number := _number(asked.get("gpu", asked.get("gpus"))):
        return int(number)
    if number := _number(asked.get("gpus_per_task")):
        return int(number) * ranks
    text = f"--gres={asked.get('gres', '')} {asked.get('slurm_extra', '')}"
    found = re.search(r"--(?:gres=gpu|gpus(?:-per-node)?)(?:[=:][a-z]\w*)?[=:](\d+)", text)
    return int(found[1]) if found else 0


def _find(path: Path) -> Path:
    for folder in (path, PROFILES / path):
        if folder.is_file():
            return folder
        if (folder / "config.yaml").is_file():
            return folder / "config.yaml"
    raise ConfigError(f"no profile '{path}' (a folder with config.yaml, or a file); {_hint()}")


def _hint() -> str:
    return f"profiles here: {', '.join(_known()) or 'none'}"


def _known() -> list[str]:
    return sorted(str(file.parent) for file in PROFILES.rglob("config.yaml"))
