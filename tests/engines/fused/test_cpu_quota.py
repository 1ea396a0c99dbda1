"""Quotas of containers, over made-up folders."""

import os

import pytest

from chainrule.engines.fused import threads
from chainrule.engines.fused.cpu_quota import quota_in_cores

V2 = "29 23 0:26 {root} {point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {root} {point} rw,relatime - cgroup cgroup rw,cpu,cpuacct"
OTHERS = (
    "22 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    "33 31 0:30 / {folder}/memory rw - cgroup cgroup rw,memory",
    "34 31 0:31 / {folder}/cpuset rw - cgroup cgroup rw,cpuset",
)


class System:
    """A made-up /proc/self, and folders where control groups are mounted."""

    def __init__(self, folder, name="groups"):
        self.folder = folder
        self.point = folder / name
        self.process = folder / "self"
        self.process.mkdir()
        self.point.mkdir()

    def is_in(self, *groups, mounts=(V2,), root="/"):
        """What the kernel says of the process; ``groups``: lines of /proc/self/cgroup."""
        point = str(self.point).replace(" ", "\\040")
        lines = [line.format(root=root, point=point, folder=self.folder) for line in (*OTHERS, *mounts)]
        (self.process / "mountinfo").write_text("\n".join(lines) + "\n")
        (self.process / "cgroup").write_text("\n".join(groups) + "\n")

    def v2(self, path, text):
        where = self.point / path
        where.mkdir(parents=True, exist_ok=True)
        (where / "cpu.max").write_text(text + "\n")

    def v1(self, path, quota, period=100_000):
        where = self.point / path
        where.mkdir(parents=True, exist_ok=True)
        for name, number in (("quota", quota), ("period", period)):
            (where / f"cpu.cfs_{name}_us").write_text(f"{number}\n")

    @property
    def cores(self):
        return quota_in_cores(self.process)


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("100000 100000", 1),
        ("20000 100000", 1),
        ("5000 1000", 5),
        ("max 100000", None),
    ],
)
def test_quota_of_version_2(text, cores, system):
    system.is_in("0::/jobs/mine")
    system.v2("jobs/mine", text)
    assert system.cores == cores


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [(200_000, 100_000, 2), (350_000, 100_000, 4), (1_000, 100_000, 1), (50_000, 10_000, 5), (-1, 100_000, None)],
)
def test_quota_of_version_1(quota, period, cores, system):
    system.is_in("5:memory:/elsewhere", "1:cpu,cpuacct:/jobs/mine", mounts=[V1])
    system.v1("jobs/mine", quota, period)
    assert system.cores == cores


@pytest.mark.parametrize("place", ["", "a", "a/b", "a/b/c"])
@pytest.mark.parametrize("version", [1, 2])
def test_the_smallest_quota_on_the_way_to_the_root_counts(version, place, system):
    system.is_in("0::/a/b/c" if version == 2 else "3:cpu:/a/b/c", mounts=[V2 if version == 2 else V1])
    for path in ("a", "a/b", "a/b/c", "a/b/c/below", "beside"):
        few = path == place or path in ("a/b/c/below", "beside")  # which are not ours
        if version == 2:
            system.v2(path, "300000 100000" if few else "700000 100000")
        else:
            system.v1(path, 300_000 if few else 700_000)
    if not place:
        system.v1(".", 300_000) if version == 1 else system.v2(".", "300000 100000")
    assert system.cores == 3


def test_both_versions_at_once(system, tmp_path):
    mounts = [V1, V2.replace("{point}", f"{tmp_path}/unified")]
    system.is_in("4:cpu:/mine", "0::/mine", mounts=mounts)
    system.v1("mine", 400_000)
    (tmp_path / "unified/mine").mkdir(parents=True)
    (tmp_path / "unified/mine/cpu.max").write_text("300000 100000\n")
    assert system.cores == 3


def test_a_container_that_sees_its_own_group_alone(system):
    """Mounted is the group of the container, and the paths are those of its host."""
    system.is_in("2:cpu,cpuacct:/docker/1f3a", mounts=[V1], root="/docker/1f3a")
    system.v1(".", 200_000)
    assert system.cores == 2


def test_a_group_below_that_of_the_container(system):
    system.is_in("2:cpu,cpuacct:/docker/1f3a/mine", mounts=[V1], root="/docker/1f3a")
    system.v1(".", 900_000)
    system.v1("mine", 200_000)
    assert system.cores == 2


def test_a_group_that_is_out_of_sight(system):
    system.is_in("0::/../../other", root="/")
    system.v2(".", "200000 100000")
    assert system.cores == 2


def test_a_folder_with_a_space(tmp_path):
    system = System(tmp_path, "control groups")
    system.is_in("0::/mine")
    system.v2("mine", "200000 100000")
    assert system.cores == 2


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3", "x 100000"])
def test_files_of_another_form_are_no_quota(text, system):
    system.is_in("0::/mine")
    system.v2("mine", text)
    assert system.cores is None


@pytest.mark.parametrize("line", ["", "nonsense", "0:cpu"])
def test_groups_of_another_form_are_no_quota(line, system):
    system.is_in(line)
    system.v2(".", "200000 100000")
    assert system.cores is None


def test_no_control_groups(system):
    assert system.cores is None


def test_a_quota_counts_as_cores_do(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_pools", list)
    for quota, expected in ((3, 3), (100, 8), (None, 8)):
        monkeypatch.setattr(threads, "quota_in_cores", lambda quota=quota: quota)
        assert threads.allowed(None) == expected
        assert threads.allowed(5) == 5
