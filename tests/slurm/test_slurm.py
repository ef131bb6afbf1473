"""On a real SLURM: an MPI study, GPUs, and what happens to jobs: limits, cancelling, requeueing, dead workflows."""

import re
import signal

import h5py
import psutil
import pytest
from conftest import BATCHES, Run, ask
from hdf5_content import content

pytestmark = pytest.mark.slow
MPI_STUDY = """\
studies:
  tiny:
    experiment: gradient_flow
    weights: fixed
    axes:
      separation: [2, 4]
      init_scale: [1]
    dimension: 2
    t_end: 10
    replicates: 600
    seed: 1
figures:
  curve: {kind: collapse_curve, studies: [tiny], lines: init_scale}
  plain_curve: {kind: collapse_curve, studies: [tiny], lines: init_scale, theory: false}
"""
MPI = {"# mpi: mpiexec ": "mpi: mpiexec ", "# tasks: 4 ": "tasks: 2 "}
"""How a user turns on MPI in a profile."""
TWO_NODES = MPI | {"    tasks: 1 ": "    # ", "# nodes: 2 ": "nodes: 2 "}
TWO_GPUS = MPI | {"# tasks_per_gpu: 1 ": "tasks_per_gpu: 1 ", "    gpu: 1 ": "    # ", "# gpu: 4": "gpu: 2"}
LIMIT = {"# runtime: 60 * attempt ": "runtime: 1 * attempt "}


def assert_same(run: Run, other: Run) -> None:
    """What a run has made is whole and holds, dataset by dataset, what the other one's files hold."""
    assert run.files()
    assert not list((run.folder / "results").rglob("parts/*/*"))
    for name, path in run.files().items():
        assert content(path) == content(other.files()[name]), name


def target(run: Run) -> str:
    """The one shard, without a phase diagram."""
    return next(name for name in run.files() if "shards" in name)


def told(job: str, name: str) -> str:
    """What SLURM says of a job that it still knows."""
    return re.search(rf"\b{name}=(\S*)", ask("scontrol", "show", "job", job))[1]


def start_again(run: Run, job: str) -> None:
    """Start a requeued job now; SLURM by itself lets two minutes pass, by when a node knows that the job has ended."""

    def ended() -> bool:
        steps = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
        return not any(f"slurmstepd: [{job}." in " ".join(words or []) for words in steps)

    run.wait_until(lambda: told(job, "Restarts") == "1" and told(job, "JobState") == "PENDING" and ended())
    ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    run.wait_until(lambda: told(job, "JobState") in ("RUNNING", "COMPLETED"))


def test_an_mpi_study_equals_one_on_this_machine(make_run):
    run, here = make_run("slurm", config=MPI_STUDY, edits=TWO_NODES), make_run("here", config=MPI_STUDY)
    here.simulate_here()
    run.run()
    assert len(run.files()) == 2
    assert_same(run, here)
    with h5py.File(run.folder / target(run)) as file:
        assert file["provenance"].attrs["ranks"] == 2
    listed = ask("sacct", "-X", "-n", "-P", "--format=WorkDir,Account,Partition,AllocNodes,State").splitlines()
    jobs = [line.split("|")[1:] for line in listed if line.startswith(f"{run.folder}|")]
    # the shard, on two nodes; the phase diagram; both figures together
    assert sorted(jobs) == [["lab", "cpu", nodes, "COMPLETED"] for nodes in "112"]
    assert {path.name for path in run.folder.glob("figures/*.pdf")} == {"curve.pdf", "plain_curve.pdf"}
    (benchmark,) = run.folder.glob("logs/simulate/tiny/*.benchmark.tsv")
    assert benchmark.read_text().startswith("s\th:m:s\tmax_rss")


def test_a_job_at_its_time_limit_resumes_with_a_longer_one(make_run, undisturbed):
    run = make_run(edits=LIMIT)
    run.pace(2)  # 60 batches take two minutes, the first limit is one
    workflow = run.start(target(undisturbed))
    first = run.running_job()
    run.wait_until(lambda: told(first, "JobState") == "TIMEOUT", 150)
    before = len(run.computed())
    run.pace(0)
    assert workflow.wait(90) == 0, run.output()
    assert_same(run, undisturbed)
    assert "SLURM status is: 'TIMEOUT'" in run.output()
    assert 10 < before < BATCHES
    assert run.repeated() <= 1  # the batch in flight
    (second,) = {line["SLURM_JOB_ID"] for line in run.computed()} - {first}
    assert told(second, "TimeLimit") == "00:02:00"
    assert len(list(run.folder.glob(f"logs/slurm/rule_simulate/*/{first}.log"))) == 1


def test_a_cancelled_job_fails_and_the_next_run_goes_on(make_run, undisturbed):
    run = make_run(options=("--retries", "0"))
    run.pace(0.5)
    workflow = run.start(target(undisturbed))
    ask("scancel", run.running_job())
    assert workflow.wait(60) != 0
    assert "SLURM status is: 'CANCELLED'" in run.output()
    before = len(run.computed())
    run.pace(0)
    run.run(target(undisturbed))
    assert_same(run, undisturbed)
    assert before < BATCHES
    assert run.repeated() <= 1


def test_a_requeued_job_goes_on(make_run, undisturbed):
    run = make_run()  # with retries: for a moment SLURM may call the old run of the job "FAILED"
    run.pace(0.5)
    workflow = run.start(target(undisturbed))
    job = run.running_job()
    before = len(run.computed())
    ask("scontrol", "requeue", job)
    run.pace(0)
    start_again(run, job)
    assert workflow.wait(90) == 0, run.output()
    assert_same(run, undisturbed)
    assert run.computed()[-1]["SLURM_JOB_ID"] == job
    assert before < BATCHES
    assert run.repeated() <= 1


def test_ranks_of_the_gpu_profile_see_the_gpus_of_their_job(make_run, undisturbed):
    run = make_run(profile="profiles/slurm/gpu", edits=TWO_GPUS)
    run.run(target(undisturbed))
    assert_same(run, undisturbed)
    seen = {(line["PMI_RANK"], line["CUDA_VISIBLE_DEVICES"]) for line in run.computed()}
    assert seen == {("0", "0,1"), ("1", "0,1")}  # of which each takes its own
    (job,) = {line["SLURM_JOB_ID"] for line in run.computed()}
    assert told(job, "Partition") == "gpu"
    assert "gres/gpu=2" in told(job, "TRES")


def test_a_job_of_the_gpu_profile_without_a_usable_gpu_uses_the_cpu(make_run, undisturbed):
    run = make_run(profile="profiles/slurm/gpu")
    run.run(target(undisturbed))
    assert_same(run, undisturbed)
    (seen,) = {line["CUDA_VISIBLE_DEVICES"] for line in run.computed()}
    assert seen in ("0", "1")


def test_after_the_death_of_a_workflow_the_next_one_waits_for_its_jobs(make_run, undisturbed):
    run = make_run(options=("--retries", "0"))
    run.pace(0.5)
    workflow = run.start(target(undisturbed))
    running = run.running_job()
    workflow.kill()
    workflow.wait()
    comment = f"--comment=rule_aggregate_wildcards_paced --chdir={run.folder} --hold --parsable -A lab -p cpu"
    waiting = ask("sbatch", *comment.split(), "--wrap=true").strip()
    again = run.start(target(undisturbed))
    run.wait_until(lambda: f"waiting for SLURM job {running}" in run.output())
    assert told(waiting, "JobState") == "CANCELLED"  # it had not begun; what the new run needs it submits itself
    run.pace(0)
    assert again.wait(90) == 0, run.output()
    assert_same(run, undisturbed)
    assert {line["SLURM_JOB_ID"] for line in run.computed()} == {running}
    assert run.repeated() == 0


def test_ctrl_c_cancels_the_jobs(make_run, undisturbed):
    run = make_run(options=("--retries", "0"))
    run.pace(1)
    workflow = run.start(target(undisturbed))
    job = run.running_job()
    workflow.send_signal(signal.SIGINT)
    assert workflow.wait(60) != 0
    assert told(job, "JobState") in ("CANCELLED", "COMPLETING")  # while its processes end
    run.pace(0)
    run.run(target(undisturbed))
    assert_same(run, undisturbed)
    assert run.repeated() <= 1
