"""A throw-away SLURM cluster on this machine: a controller, three virtual nodes, accounting, all on 127.0.0.1.

It needs root, Debian's packages, and the folder /etc/slurm, because jobs look for their configuration there: symbolic
links are put into it and taken away again; where a real configuration exists nothing is touched. All processes of
the tests share one cluster: a guardian process starts it, sleeps until the last of its users has left or died, and then
takes it down, whatever has happened to the tests.

    python tests/slurm/lab.py            start it and keep it until Ctrl-C; `sinfo`, `sbatch`, ... work meanwhile
    python tests/slurm/lab.py packages   the Debian packages that it needs
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = (
    *("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge"),
    *("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server"),  # accounting: without it no job can have an account
)
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "sbatch", "runuser")
PARTITIONS = {"cpu": ("cpu1", "cpu2"), "gpu": ("gpu1",)}
NODES = tuple(node for nodes in PARTITIONS.values() for node in nodes)
CPUS = 4  # that a node pretends to have
ACCOUNT = "lab"
_LIBC = ctypes.CDLL(None)
LIFETIME = 1800  # seconds after which the guardian ends the cluster in any case

FOLDER = Path(tempfile.gettempdir()) / "vicollapse-slurm-lab"
ETC = Path("/etc/slurm")
READY = FOLDER / "ready"  # holds the guardian's process id
LOG = FOLDER.with_suffix(".log")  # outlives the cluster
USERS, STARTING = FOLDER.with_suffix(".users"), FOLDER.with_suffix(".starting")  # lock files


def missing() -> list[str]:
    """Programs that the cluster needs and that are not there."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


@contextmanager
def lab() -> Iterator[None]:
    """A running cluster during the block, shared with the other processes that are in such a block."""
    with USERS.open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while a guardian takes its cluster down
        with STARTING.open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not _is_up():
                _start_guardian()
        yield


def _is_up() -> bool:
    with suppress(OSError, ValueError):
        os.kill(int(READY.read_text()), 0)
        return True
    return False


def _start_guardian() -> None:
    with LOG.open("w") as log:
        command = [sys.executable, __file__, "guard"]
        guardian = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait("the cluster", 90, lambda: READY.exists() or guardian.poll() is not None)
        if guardian.poll() is not None:
            raise RuntimeError("its guardian has ended")
    except RuntimeError as error:
        guardian.terminate()
        raise RuntimeError(f"no SLURM cluster: {error}; the end of {LOG}:\n{LOG.read_text()[-3000:]}") from None


def guard() -> None:
    """Start the cluster, wait until nobody uses it any more, and take it down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"ended after {LIFETIME} s"))
    signal.alarm(LIFETIME)
    os.environ["PATH"] += os.pathsep + "/usr/sbin:/sbin"
    os.environ.pop("SLURM_CONF", None)
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        _start(daemons)
        with USERS.open("w") as users:
            READY.write_text(str(os.getpid()))
            fcntl.flock(users, fcntl.LOCK_EX)
            _take_down(daemons)  # still locked: whoever comes now waits for it
    finally:
        _take_down(daemons)


def _start(daemons: list[subprocess.Popen[bytes]]) -> None:
    # each daemon stays in the foreground, as a child of the guardian
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("etc", "log", "run", "spool", "state", "database"):
        (FOLDER / name).mkdir(parents=True)
    FOLDER.chmod(0o755)
    _write_configuration()
    _link_configuration()
    _start_munge(daemons)
    _start_accounting(daemons)
    _daemon(daemons, "slurmctld", "-D", "-c")
    _wait("slurmctld", 20, lambda: _works("scontrol", "ping"))
    for node in NODES:
        (FOLDER / "spool" / node).mkdir()
        _daemon(daemons, "slurmd", "-D", "-N", node, log=f"slurmd.{node}")
    _wait("idle nodes", 30, lambda: _says("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES))
    _wait("a first job", 30, lambda: _works("srun", "-A", ACCOUNT, "-p", "cpu", "-n1", "-t1", "true"))
    print(f"cluster of {len(NODES)} nodes is up after {time.monotonic() - started:.1f} s", flush=True)


def _start_munge(daemons: list[subprocess.Popen[bytes]]) -> None:
    # who is who, in every message between the daemons
    key = FOLDER / "etc" / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    for path in (key, FOLDER / "run", FOLDER / "log"):
        shutil.chown(path, "munge", "munge")
    files = {"key-file": key, "socket": _munge_socket(), "pid-file": FOLDER / "run" / "munged.pid"}
    files |= {"log-file": FOLDER / "log" / "munged.file.log", "seed-file": FOLDER / "run" / "munged.seed"}
    options = [f"--{name}={path}" for name, path in files.items()]
    _daemon(daemons, "munged", "--foreground", "--force", *options, user="munge")
    _wait("munged", 10, lambda: _works("munge", "-S", str(_munge_socket()), "-n"))


def _start_accounting(daemons: list[subprocess.Popen[bytes]]) -> None:
    # MariaDB, SLURM's database daemon on it, and an account for the user of the tests
    data, sock = FOLDER / "database", FOLDER / "database" / "socket"
    shutil.chown(data, "mysql", "mysql")
    plain = ("--no-defaults", "--user=mysql", f"--datadir={data}")
    install = ["mariadb-install-db", *plain, "--auth-root-authentication-method=socket", "--skip-test-db"]
    subprocess.run(install, check=True, timeout=60, stdout=subprocess.DEVNULL)
    small = ("--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900")
    where = (f"--socket={sock}", "--bind-address=127.0.0.1", f"--port={_PORTS['database']}")
    _daemon(daemons, "mariadbd", *plain, *where, f"--pid-file={data}/pid", *small)
    client = ("--no-defaults", "-uroot", f"--socket={sock}")
    _wait("MariaDB", 30, lambda: _works("mariadb-admin", *client, "ping"))
    sql = "create database slurm_acct_db; create user slurm@'127.0.0.1' identified by 'lab'; "
    sql += "create user slurm@localhost identified by 'lab'; grant all on slurm_acct_db.* to slurm@'127.0.0.1'; "
    sql += "grant all on slurm_acct_db.* to slurm@localhost"
    subprocess.run(["mariadb", *client, "-e", sql], check=True, timeout=30)
    _daemon(daemons, "slurmdbd", "-D")
    _wait("slurmdbd", 40, lambda: _works("sacctmgr", "-n", "list", "cluster"))
    for what in ("cluster lab", f"account {ACCOUNT} Description=lab Organization=lab", f"user root Account={ACCOUNT}"):
        subprocess.run(["sacctmgr", "-i", "-Q", "add", *what.split()], check=True, timeout=30)


def _daemon(daemons: list[subprocess.Popen[bytes]], *command: str, log: str = "", user: str | None = None) -> None:
    with (FOLDER / "log" / f"{log or command[0]}.log").open("w") as file:
        end = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        daemons.append(subprocess.Popen(command, user=user, preexec_fn=_die_with_the_guardian, **end))


def _die_with_the_guardian() -> None:
    # should even the guardian be killed
    _LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _take_down(daemons: list[subprocess.Popen[bytes]]) -> None:
    # jobs, daemons, links, files; nothing in here may keep the rest from happening
    signal.alarm(0)
    READY.unlink(missing_ok=True)
    if daemons:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["scancel", "--full", "--user=root"], timeout=10, stderr=subprocess.DEVNULL)
            _wait("end of the jobs", 15, lambda: not _says("squeue", "-h"))
    while daemons:
        daemon = daemons.pop()
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    for link in _our_links():
        link.unlink()
    with suppress(OSError):
        (ETC / ".made-by-vicollapse").unlink()
        ETC.rmdir()
    if FOLDER.exists():
        for log in sorted(FOLDER.glob("log/*.log")):
            print(f"==> {log.name}\n{log.read_text(errors='replace')[-1000:]}", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)


def _link_configuration() -> None:
    if not ETC.exists():
        ETC.mkdir()
        (ETC / ".made-by-vicollapse").touch()
    for link in _our_links():  # of a guardian that was killed
        link.unlink()
    files = sorted((FOLDER / "etc").glob("*.conf"))
    if real := [file.name for file in files if (ETC / file.name).exists()]:
        raise SystemExit(
            f"this machine belongs to a real cluster ({ETC} has {', '.join(real)}): no tests with SLURM here"
        )
    for file in files:
        (ETC / file.name).symlink_to(file)


def _our_links() -> list[Path]:
    return [path for path in ETC.glob("*.conf") if path.is_symlink() and path.readlink().is_relative_to(FOLDER)]


def _munge_socket() -> Path:
    return FOLDER / "run" / "munge.socket"


def _free_ports(*names: str) -> dict[str, int]:
    sockets = {name: socket.socket() for name in names}
    for each in sockets.values():
        each.bind(("127.0.0.1", 0))
    ports = {name: each.getsockname()[1] for name, each in sockets.items()}
    for each in sockets.values():
        each.close()
    return ports


_PORTS = _free_ports("controller", "accounting", "database", *NODES)


def _write_configuration() -> None:
    host, etc = socket.gethostname().split(".")[0], FOLDER / "etc"
    common = f"NodeHostname={host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory=8000 State=UNKNOWN"
    lines = [f"NodeName={node} Port={_PORTS[node]} {common}{_gpus(node)}" for node in NODES]
    for name, nodes in PARTITIONS.items():
        lines.append(f"PartitionName={name} Nodes={','.join(nodes)} DefMemPerCPU=200 MaxTime=60 State=UP")
    (etc / "slurm.conf").write_text(f"""\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={_PORTS["controller"]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={_munge_socket()}
StateSaveLocation={FOLDER}/state
SlurmdSpoolDir={FOLDER}/spool/%n
SlurmctldPidFile={FOLDER}/run/slurmctld.pid
SlurmdPidFile={FOLDER}/run/slurmd.%n.pid
# no cgroups and no binding: the virtual nodes share the cores of this machine
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# quick, because the tests wait for it
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
# seconds between SIGTERM and SIGKILL (30 on most clusters), and none after the time limit
KillWait=5
OverTimeLimit=0
# how long squeue knows finished jobs: SLURM's own default
MinJobAge=300
ReturnToService=2
EnforcePartLimits=ALL
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={_PORTS["accounting"]}
AccountingStoragePass={_munge_socket()}
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
{chr(10).join(lines)}
""")
    gpus = [FOLDER / "run" / f"gpu{i}" for i in range(2)]
    for gpu in gpus:
        os.mknod(gpu, 0o666 | 0o020000, os.makedev(1, 3))  # as /dev/null: SLURM counts it, CUDA does not see it
    (etc / "gres.conf").write_text("".join(f"NodeName=gpu1 Name=gpu Type=fake File={gpu}\n" for gpu in gpus))
    (etc / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (etc / "slurmdbd.conf").write_text(f"""\
AuthInfo=socket={_munge_socket()}
DbdHost=localhost
DbdPort={_PORTS["accounting"]}
SlurmUser=root
PidFile={FOLDER}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={_PORTS["database"]}
StorageUser=slurm
StoragePass=lab
StorageLoc=slurm_acct_db
""")
    (etc / "slurmdbd.conf").chmod(0o600)


def _gpus(node: str) -> str:
    return " Gres=gpu:fake:2" if node in PARTITIONS["gpu"] else ""


def _wait(what: str, seconds: float, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def _works(*command: str) -> bool:
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    return False


def _says(*command: str) -> str:
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    return ""


if __name__ == "__main__":
    if sys.argv[1:] == ["packages"]:
        print(*PACKAGES)
    elif sys.argv[1:] == ["guard"]:
        guard()
    else:
        with lab(), suppress(KeyboardInterrupt):
            print(LOG.read_text(), "cluster is up; Ctrl-C ends it", sep="")
            signal.pause()
