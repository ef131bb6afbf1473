"""Python runs this at every start while this folder is on PYTHONPATH, also in jobs: for what is true in tests only."""

import asyncio
import sys
from pathlib import Path

for folder in ("slurm", "sweep"):
    sys.path.append(str(Path(__file__).parents[2] / folder))

import paced_experiment  # noqa: E402
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor  # noqa: E402


async def _sleep(self):
    await asyncio.sleep(1)


paced_experiment.register()
RemoteExecutor.sleep = _sleep  # between two looks at the queue; the plugin waits 10 s, then 20 s, 30 s, ...
