"""Verdicts about files from made-up facts, and from file systems that are made to misbehave."""

import threading
import time
from contextlib import suppress

import pytest
from thread_team import on_ranks, setting

from vicollapse.checkup import files, folder, kernels, locks, rename
from vicollapse.checkup.findings import Verdict
from vicollapse.ensemble import cache

INF = float("inf")
GB = 10**9


def everywhere(check, tmp_path, hosts="aab"):
    """The finding of a check on ranks that are threads; it must be the same on all of them."""
    finding, *others = on_ranks(hosts, lambda team: check(setting(team, tmp_path)))
    assert others == [finding] * len(others)
    return finding


@pytest.mark.parametrize("hosts", ["a", "aab"])
@pytest.mark.parametrize(
    "check",
    [folder.check, rename.check, locks.check, files.check_small, files.check_large, files.check_hdf5],
    ids=lambda check: f"{check.__module__.rpartition('.')[2]}.{check.__name__}",
)
def test_a_healthy_file_system(check, hosts, tmp_path):
    assert everywhere(check, tmp_path, hosts).verdict is Verdict.OK


# folder


def seen(seconds=0.0, missing=(), free=100 * GB):
    return folder.Seen(seconds, tuple(missing), free, "nfs4")


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        ([seen(), seen(0.2)], Verdict.OK, "results (nfs4), 100 GB free; a new file is seen by others within 0.200 s"),
        ([seen(), seen(3.0)], Verdict.WARNING, "--latency-wait 60"),
        ([seen(), seen(15.0)], Verdict.WARNING, "--latency-wait 150"),
        ([seen(missing=[1]), seen()], Verdict.ERROR, "rank 0 (a) did not see files of rank 1 (b)"),
        ([seen(), seen(free=10**8)], Verdict.WARNING, "100 MB free"),
    ],
)
def test_files_of_others(facts, verdict, words):
    finding = folder.judge("ab", facts, "results")
    assert finding.verdict is verdict
    assert words in f"{finding.found} {finding.advice}"


def test_a_folder_that_is_not_shared(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "PATIENCE", 0.2)

    def on_rank(team):
        return folder.check(setting(team, tmp_path / team.hosts[team.rank]))

    finding, *_ = on_ranks("aab", on_rank)
    assert finding.verdict is Verdict.ERROR
    assert "rank 0 (a), rank 1 (a), rank 2 (b) did not see files of rank 0 (a), rank 2 (b)" in finding.found


def test_the_kind_of_a_file_system(tmp_path, monkeypatch):
    (tmp_path / "mounts").write_text(f"/dev/a / ext4 rw 0 0\nserver:/b {tmp_path}/deep nfs4 rw 0 0\n")
    monkeypatch.setattr(folder, "_MOUNTS", tmp_path / "mounts")
    assert folder._kind(tmp_path / "deep" / "er") == "nfs4"
    assert folder._kind(tmp_path) == "ext4"


# rename


def watched(torn=0, missing=0, seconds=0.6):
    return rename.Watched(1000, torn, missing, seconds)


@pytest.mark.parametrize(
    ("last", "verdict", "words"),
    [
        (watched(), Verdict.OK, "50 versions of a file, read 2,000 times: always a whole one"),
        (watched(torn=1), Verdict.ERROR, "half-written ones seen by rank 1 (b)"),
        (watched(seconds=INF), Verdict.ERROR, "the last never seen by rank 1 (b)"),
        (watched(missing=2), Verdict.WARNING, "sometimes not there for rank 1 (b)"),
        (watched(seconds=4.6), Verdict.WARNING, "seen 4.0 s late"),
    ],
)
def test_replaced_files(last, verdict, words):
    finding = rename.judge("ab", [watched(), last])
    assert finding.verdict is verdict
    assert words in finding.found


def test_writing_in_place_is_caught(tmp_path):
    """What a file system without atomic renames would show: half of a file, or none, at times."""
    path = tmp_path / "file"
    path.write_bytes(rename.content(0))

    def write_badly():
        for version in range(1, rename._VERSIONS):
            content = rename.content(version)
            with suppress(FileNotFoundError):
                path.unlink()
            time.sleep(2e-3)
            with open(path, "wb", buffering=0) as file:
                file.write(content[: len(content) // 2])
                time.sleep(2e-3)
                file.write(content[len(content) // 2 :])

    writer = threading.Thread(target=write_badly)
    writer.start()
    found = rename.watch(path, time.monotonic() + 20)
    writer.join()
    assert found.torn > 0
    assert found.missing > 0


def test_a_last_version_that_never_comes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(rename.content(7))
    found = rename.watch(path, time.monotonic() + 0.1)
    assert found.seconds == INF
    assert found.reads > 0
    assert found.torn == found.missing == 0


# lock


def test_locks_that_others_do_not_see():
    finding = locks.judge("aab", [2], [])
    assert finding.verdict is Verdict.WARNING
    assert "a lock of rank 0 (a) is not seen by rank 2 (b)" in finding.found
    assert locks.judge("aab", [], [1]).verdict is Verdict.ERROR
    assert "across 2 machines" in locks.judge("aab", [], []).found


@pytest.mark.parametrize(
    ("answer", "verdict"), [(None, Verdict.WARNING), ({"pid": 1}, Verdict.ERROR)], ids=["never held", "never released"]
)
def test_a_file_system_whose_locks_do_not_work(answer, verdict, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "holder", lambda path: answer)
    assert everywhere(locks.check, tmp_path).verdict is verdict


# speed


def test_slow_files():
    assert files.judge_small("ab", [0.01, 0.02]).found.startswith("150 per second")
    finding = files.judge_small("ab", [0.01, 0.5])
    assert finding.verdict is Verdict.WARNING
    assert "0.50 s each on rank 1 (b)" in finding.found
    assert files.judge_large(5e6).verdict is Verdict.WARNING
    assert files.judge_large(5e8).found == "500 MB/s written and synced"
    assert files.judge_large(None).verdict is Verdict.SKIPPED


def test_a_slow_disk_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LONGEST", 0.0)
    monkeypatch.setattr(files, "_SECONDS", 0.2)
    monkeypatch.setattr(files, "write_whole", lambda *_: time.sleep(0.15))
    assert files.bytes_per_second(tmp_path / "large") is not None
    assert files.seconds_per_file(tmp_path / "small") == pytest.approx(0.15, rel=0.5)
    assert not (tmp_path / "large").exists()


def test_a_file_that_comes_back_changed(tmp_path, monkeypatch):
    arrays = files._arrays
    monkeypatch.setattr(files, "_write", lambda path, rank: _write_other(path, rank, arrays))
    from vicollapse.checkup.collective import RankFailure

    with pytest.raises(RankFailure, match="values"):
        on_ranks("a", lambda team: files.check_hdf5(setting(team, tmp_path)))


def _write_other(path, rank, arrays):
    from vicollapse.sweep import storage

    with storage.writing(path, {"rank": rank}) as file:
        storage.store(file, arrays(rank) | {"values": arrays(rank + 1)["values"]}, compress=True)


# kernel cache


def test_caches_that_are_shared_or_not():
    here = kernels.Cache("/home/me/cache")
    assert kernels.judge("aa", [here, here], [1, 1]).found == "/home/me/cache"
    assert "shared by 2 machines" in kernels.judge("ab", [here, here], [2, 2]).found
    assert "not shared" in kernels.judge("ab", [here, here], [1, 1]).found
    finding = kernels.judge("ab", [here, kernels.Cache("/tmp/x", "/home/me/cache is not writable")], [1, 1])
    assert finding.verdict is Verdict.WARNING
    assert finding.found == "rank 1 (b): /home/me/cache is not writable"


@pytest.fixture
def fresh_cache():
    cache.folder.cache_clear()
    yield
    cache.folder.cache_clear()


@pytest.mark.usefixtures("fresh_cache")
def test_markers_are_removed_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VICOLLAPSE_CACHE", str(tmp_path / "cache"))
    finding = everywhere(kernels.check, tmp_path)
    assert finding.found == f"{tmp_path}/cache/kernels, shared by 2 machines"
    assert [*(tmp_path / "cache/kernels").iterdir()] == []


@pytest.mark.usefixtures("fresh_cache")
def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VICOLLAPSE_CACHE", str(tmp_path / "file"))
    finding = everywhere(kernels.check, tmp_path, "a")
    assert finding.verdict is Verdict.WARNING
    assert "is not writable" in finding.found
