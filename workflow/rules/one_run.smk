# One run at a time in a folder, and what it does before its first job. The jobs of a batch system, which start
# Snakemake again, skip `onstart`: only the run that a user starts comes here.
import atexit
import getpass
import shutil
import socket
import subprocess
import time
from dataclasses import replace

import psutil
from snakemake.logging import logger

from vicollapse.sweep import ledger, lock, plan, resources


def refuse_second_run():
    """Hold a lock of the operating system while this run lives; unlike Snakemake's own it never outlives a kill."""
    held = lock.exclusive(Path(".snakemake/run/lock"))
    or_stop(held.__enter__)
    atexit.register(held.__exit__, None, None, None)


def wait_for_orphans():
    """Let simulations finish that go on although the run that started them was killed; then their work counts."""
    said = []
    while left := [*cancel_what_waits(queue_of_slurm()), *processes()]:
        if left != said:
            logger.info(f"waiting for {', '.join(left)}, which an earlier run has started and which still simulate")
            said = left
        time.sleep(5 if shutil.which("squeue") else 1)


def processes():
    """Processes of this machine that simulate here, and those of any machine that hold a shard."""
    ids, here = [shard for name in CONFIG.studies for shard in planned(name)], socket.gethostname()
    found = set()
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if "vicollapse simulate" in command and process.info["cwd"] == os.getcwd():
            found |= {f"process {process.pid} on {here}" for shard in ids if shard in command}
    for path in [RESULTS / name / "parts" / shard / "lock" for name in CONFIG.studies for shard in planned(name)]:
        if who := lock.holder(path):
            found.add(f"process {who['pid']} on {who['host']}")
    return sorted(found)


def queue_of_slurm():
    """Jobs that an earlier run of this folder has left in SLURM's queue: number -> state."""
    if not shutil.which("squeue"):
        return {}
    command = ["squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%T|%k|%Z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()
    except subprocess.TimeoutExpired:
        return {}
    jobs = [line.split("|", 3) for line in listed if line.count("|") >= 3]
    ours = [(number, state) for number, state, comment, folder in jobs if is_ours(comment, folder)]
    return dict(ours)


def is_ours(comment, folder):
    """Whether a job of SLURM was submitted by Snakemake, which says so in the comment, in this folder."""
    return folder == os.getcwd() and comment.startswith(("rule_", "group_"))


def cancel_what_waits(queue):
    """Cancel jobs of an earlier run that have not started, this run submits them itself; the others, in words."""
    waiting = [number for number, state in queue.items() if state == "PENDING"]
    if waiting:
        logger.info(f"cancelling SLURM jobs {', '.join(waiting)}, which an earlier run has left in the queue")
        subprocess.run(["scancel", *waiting], timeout=60)
    return [f"SLURM job {number}" for number in queue if number not in waiting]


def check_resources():
    """Stop before anything is computed if disk or memory cannot hold it; jobs elsewhere ask for their own memory."""
    done = {name: ledger.computed(RESULTS / name)[0] for name in CONFIG.studies}
    plans = [plan.estimate_shards(CONFIG.studies[name], [*planned(name).values()], done[name]) for name in done]
    if workflow.non_local_exec:
        plans = [replace(each, memory_bytes=0) for each in plans]
    or_stop(resources.check_resources, plans, RESULTS)


def register_shards():
    """Write the shards into the ledgers, from which each job takes its own."""
    for name in CONFIG.studies:
        planned(name, register=True)
