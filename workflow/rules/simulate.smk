# One job per shard. A shard is what its name says, whatever else changes in the config: nothing makes it out of date.
# `update` keeps what is there when a job that was cut short starts again; the command itself knows what is left to do.
#
# `threads` are all cores of a job. One process uses them, a thread per core, or several ranks share them:
#     --set-resources simulate:mpi=mpiexec simulate:tasks=4
import shlex

from vicollapse.sweep import calibration, job


@cache
def needs(name, shard):
    """Predicted memory and time of a shard, at the speed that `vicollapse plan --measure` has measured, if it has."""
    speed = calibration.stored(RESULTS / name, CONFIG.studies[name].experiment)
    return job.simulation(planned(name)[shard], speed, "gpu" if asked_for("gpu", 0) else "cpu")


def asked_for(resource, otherwise):
    """A plain resource of `simulate` as the profile or the command line say it, for functions that are not given it."""
    found = rules.simulate.rule.resources
    return type(otherwise)(found[resource].raw) if resource in found else otherwise


def ranks():
    """Processes that share the work of a shard."""
    return asked_for("tasks", 1) if asked_for("mpi", "") else 1


def threads_per_rank(threads):
    """Cores of a job over its ranks; in a job of a cluster, `threads` is cut to one node, so that it does not count."""
    cores = asked_for("_cores", threads) if workflow.remote_exec else threads
    return max(1, cores // ranks())


def megabytes(wildcards, attempt):
    """Memory of a job on each of its nodes; a job that runs already asks for nothing."""
    if not workflow.is_main_process:
        return 1
    ranks_per_node = -(-ranks() // asked_for("nodes", 1))
    return needs(wildcards.study, wildcards.shard).megabytes(ranks_per_node=ranks_per_node, attempt=attempt)


def minutes(wildcards, attempt, threads):
    """Time limit of a job; a job that runs already asks for nothing."""
    if not workflow.is_main_process:
        return 1
    needed = needs(wildcards.study, wildcards.shard)
    return needed.minutes(ranks=ranks(), threads=threads_per_rank(threads), attempt=attempt)


def launcher(threads):
    """How a simulation is started: as one process with threads, or, with `mpi`, as ranks that share its batches."""
    mpi = asked_for("mpi", "")
    if not mpi:
        return "vicollapse simulate"
    if mpi.split()[0] == "srun":  # alone among the launchers it must be told again how many cores a rank has
        mpi += f" --cpus-per-task={threads_per_rank(threads)}"
    command = f"{shlex.quote(sys.executable)} -m mpi4py -m vicollapse simulate"
    return f"{mpi} -n {ranks()} {command} --ranks {ranks()}"


rule simulate:
    output:
        update(SHARD),
    log:
        "logs/simulate/{study}/{shard}.log",
    benchmark:
        "logs/simulate/{study}/{shard}.benchmark.tsv"
    threads: workflow.cores or 1
    resources:
        mem_mb=megabytes,
        runtime=minutes,
        cpus_per_task=lambda wildcards, threads: threads_per_rank(threads),
    params:
        launcher=lambda wildcards, threads: launcher(threads),
        threads=lambda wildcards, threads: threads_per_rank(threads),
    message:
        "simulate {wildcards.study}, shard {wildcards.shard}, on {threads} threads"
    shell:
        # tee outlives a signal to all processes of the job, so that the last words of a simulation reach its log
        "{params.launcher} --config {CONFIG_FILE:q} --study {wildcards.study} --shard {wildcards.shard}"
        " --threads {params.threads} 2>&1 | (trap '' INT TERM; exec tee {log:q})"
