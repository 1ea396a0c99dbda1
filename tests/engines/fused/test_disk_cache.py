"""Compiled code on disk: what is fetched is what was kept, or nothing; and nobody else's code is run."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from compileall import compile_dir
from dataclasses import fields, replace
from pathlib import Path

import pytest

import chainrule
from chainrule.engines.fused import disk_cache
from chainrule.engines.fused.processor import AVX2, AVX512, NEON

KEY = "0123456789abcdef" * 4
OTHER = "f" * 64
CODE = b"\x7fELF" + bytes(range(16))


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entry(place, key=KEY):
    return place / f"{key}.code"


def names(place):
    return sorted(p.name for p in place.iterdir())


def fail_with(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


def python(program, *arguments, before=(), **environment):
    """The program in a process of its own, with this module's names; what it prints."""
    begin = "import os, sys, time\nfrom chainrule.engines.fused import disk_cache as store"
    program = f"{begin}\nKEY, CODE = {KEY!r}, {CODE!r}\n{program}"
    command = [*before, sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **environment}, text=True, capture_output=True, check=False)


# what is kept


@pytest.mark.parametrize("code", [b"", b"x", CODE, os.urandom(300_000)], ids=len)
def test_what_is_kept_is_fetched(place, code):
    assert disk_cache.fetch(KEY) is None
    assert not place.exists()
    disk_cache.keep(KEY, code)
    assert disk_cache.fetch(KEY) == code
    assert disk_cache.fetch(OTHER) is None
    assert names(place) == [entry(place).name]


def test_another_process_fetches_it():
    disk_cache.keep(KEY, CODE)
    assert python("assert store.fetch(KEY) == CODE").returncode == 0


def test_kept_again_it_is_replaced(place):
    disk_cache.keep(KEY, CODE)
    disk_cache.keep(KEY, b"other")
    assert disk_cache.fetch(KEY) == b"other"
    assert names(place) == [entry(place).name]


@pytest.mark.parametrize("key", ["", "../" + KEY[3:], KEY[1:], KEY.upper(), KEY + "\n"])
def test_a_name_that_is_no_key_reaches_no_file(key):
    with pytest.raises(AssertionError, match="64 hex digits"):
        disk_cache.fetch(key)
    with pytest.raises(AssertionError, match="64 hex digits"):
        disk_cache.keep(key, CODE)


# damage


def test_cut_short_anywhere_it_is_absent(place):
    disk_cache.keep(KEY, CODE)
    whole = entry(place).read_bytes()
    for length in range(len(whole)):
        entry(place).write_bytes(whole[:length])
        assert disk_cache.fetch(KEY) is None, length
    disk_cache.keep(KEY, CODE)
    assert entry(place).read_bytes() == whole


def test_with_a_byte_changed_anywhere_it_is_absent(place):
    disk_cache.keep(KEY, CODE)
    whole = entry(place).read_bytes()
    for i in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            entry(place).write_bytes(whole[:i] + bytes([whole[i] ^ flip]) + whole[i + 1 :])
            assert disk_cache.fetch(KEY) is None, i
    disk_cache.keep(KEY, CODE)
    assert entry(place).read_bytes() == whole


def test_with_more_behind_it_it_is_absent(place):
    disk_cache.keep(KEY, CODE)
    with entry(place).open("ab") as file:
        file.write(b"\0")
    assert disk_cache.fetch(KEY) is None


def test_under_another_key_it_is_absent(place):
    disk_cache.keep(KEY, CODE)
    entry(place).rename(entry(place, OTHER))
    assert disk_cache.fetch(OTHER) is None


def test_a_huge_file_is_not_read(place):
    disk_cache.keep(KEY, CODE)
    os.truncate(entry(place), 2**40)
    assert disk_cache.fetch(KEY) is None


@pytest.mark.parametrize("kind", ["folder", "pipe", "full pipe", "link", "link to itself"])
def test_what_is_no_file_is_absent(place, tmp_path, kind):
    disk_cache.keep(KEY, CODE)
    entry(place).rename(tmp_path / "elsewhere")
    pipe = None
    if kind == "folder":
        entry(place).mkdir()
    elif kind.endswith("pipe"):
        os.mkfifo(entry(place), 0o600)
        if kind == "full pipe":
            pipe = os.open(entry(place), os.O_RDWR)
            os.write(pipe, (tmp_path / "elsewhere").read_bytes())
    else:
        entry(place).symlink_to(tmp_path / "elsewhere" if kind == "link" else entry(place))
    open_before = len(os.listdir("/dev/fd"))
    assert disk_cache.fetch(KEY) is None
    assert len(os.listdir("/dev/fd")) == open_before
    if pipe is not None:
        os.close(pipe)
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) == (None if kind == "folder" else CODE)
    assert names(place) == [entry(place).name]


# a disk that refuses


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("where", ["pathlib.Path.mkdir", "os.scandir", "tempfile.mkstemp", "os.fdopen", "os.replace"])
def test_what_cannot_be_written_is_passed_over(place, monkeypatch, where, number):
    with monkeypatch.context() as patch:
        patch.setattr(where, fail_with(number))
        disk_cache.keep(KEY, CODE)
    assert not place.exists() or names(place) == []
    assert disk_cache.fetch(KEY) is None


@pytest.mark.parametrize("where", ["os.stat", "os.lstat", "os.open", "os.fstat", "builtins.open"])
def test_what_cannot_be_read_is_absent(monkeypatch, where):
    disk_cache.keep(KEY, CODE)
    with monkeypatch.context() as patch:
        patch.setattr(where, fail_with(errno.EIO))
        fetched = disk_cache.fetch(KEY)
    assert fetched is None
    assert disk_cache.fetch(KEY) == CODE


@pytest.mark.parametrize("where", ["write", "close"])
def test_a_disk_that_fills_up_half_way_keeps_the_old_entry(place, monkeypatch, where):
    real = os.fdopen

    def filling(descriptor, mode):
        file = real(descriptor, mode, buffering=0)

        class Filling:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()
                if where == "close":
                    fail_with(errno.ENOSPC)()

            def write(self, content):
                file.write(content[: len(content) // 2])
                if where == "write":
                    fail_with(errno.ENOSPC)()

        return Filling()

    disk_cache.keep(KEY, CODE)
    monkeypatch.setattr("os.fdopen", filling)
    disk_cache.keep(KEY, b"new" * 100)
    disk_cache.keep(OTHER, b"new" * 100)
    assert names(place) == [entry(place).name]
    assert disk_cache.fetch(KEY) == CODE


FILL = """
for i in range(40):
    store.keep(f"{i:064x}", bytes([i]) * 10_000)
fetched = [store.fetch(f"{i:064x}") for i in range(40)]
assert all(f in (None, bytes([i]) * 10_000) for i, f in enumerate(fetched))
print(sum(f is not None for f in fetched), sum(n.endswith(".part") for n in os.listdir(store.folder())))
"""


def mounted(options, place):
    """What starts a command with a small disk of its own at the place; empty where this is not permitted."""
    place.mkdir(mode=0o700)
    inner = f'mount -t tmpfs -o mode=0700,{options} none "$0" && exec "$@"'
    for how in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        before = [*how, "sh", "-c", inner, str(place)]
        if shutil.which("unshare") and python("", before=before).returncode == 0:
            return before
    return []


def test_a_small_disk_that_is_full(place):
    """Where no disk may be mounted, files longer than 5000 bytes are cut off by the system instead."""
    before = mounted("size=128k", place)
    limit = "" if before else "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
    done = python(limit + FILL, before=before)
    assert done.stderr == ""
    fetched, unfinished = map(int, done.stdout.split())
    assert 0 < fetched < 40 if before else fetched == 0
    assert unfinished == 0


def test_files_that_may_not_grow(place):
    done = python("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n" + FILL)
    assert done.stderr == ""
    assert done.stdout.split() == ["0", "0"]


def test_a_disk_that_is_only_read(place):
    """Where none may be mounted, the folder is closed to writing; for root, who need not mind that, by hand."""
    before = mounted("ro", place)
    closed = ""
    if not before:
        place.chmod(0o500)
        if os.geteuid() == 0:
            closed = (
                "def no(*_, **__): raise OSError(30, 'Read-only file system')\nimport tempfile; tempfile.mkstemp = no\n"
            )
    done = python(
        closed + "store.keep(KEY, CODE); assert store.fetch(KEY) is None; print(os.listdir(store.folder()))",
        before=before,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_code_on_a_disk_that_is_only_read_is_fetched(place, monkeypatch):
    disk_cache.keep(KEY, CODE)
    os.utime(entry(place), (1, 1))
    monkeypatch.setattr("os.utime", fail_with(errno.EROFS))
    assert disk_cache.fetch(KEY) == CODE


@pytest.mark.parametrize("above", [False, True])
def test_a_file_where_the_folder_should_be(place, monkeypatch, above):
    place.write_bytes(b"mine")
    if above:
        monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(place / "deeper" / "still"))
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) is None
    assert place.read_bytes() == b"mine"


def test_a_device_for_a_folder_is_passed_over(monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", os.devnull)
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) is None


def test_a_process_killed_while_writing_leaves_no_entry_and_its_file_goes_later(place):
    program = "import signal; os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL); store.keep(KEY, CODE)"
    assert python(program).returncode == -signal.SIGKILL
    (unfinished,) = place.iterdir()
    assert disk_cache.fetch(KEY) is None
    assert python("store.keep(KEY, CODE)").returncode == 0
    assert names(place) == sorted([entry(place).name, unfinished.name])  # another process may be writing it
    os.utime(unfinished, (1, 1))
    assert python("store.keep(KEY, CODE)").returncode == 0
    assert names(place) == [entry(place).name]


def test_an_interrupt_while_writing_leaves_nothing(place, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        disk_cache.keep(KEY, CODE)
    assert names(place) == []


# many at once

HAMMER = """
mine = sys.argv[1].encode() * int(sys.argv[2])
while not os.path.exists(sys.argv[3]):
    pass
for _ in range(150):
    store.keep(KEY, mine)
    code = store.fetch(KEY)
    assert code is not None and set(code) in ({97}, {98}) and len(code) == {97: 50_000, 98: 70_001}[code[0]]
"""


def test_two_processes_write_one_entry(place, tmp_path):
    program = f"import os, sys\nfrom chainrule.engines.fused import disk_cache as store\nKEY = {KEY!r}\n{HAMMER}"
    each = [("a", 50_000), ("b", 70_001)]
    command = [sys.executable, "-W", "error", "-c", program]
    running = [subprocess.Popen([*command, letter, str(n), str(tmp_path / "go")]) for letter, n in each]
    (tmp_path / "go").touch()
    assert [process.wait() for process in running] == [0, 0]
    assert names(place) == [entry(place).name]


MANY = """
store.LIMIT, store.STRIDE = 40_000, 2_000
for i in range(600):
    key = f"{i * 7 % 101:064x}"
    store.keep(key, bytes([i * 7 % 101]) * 1000)
    assert store.fetch(key) in (None, bytes([i * 7 % 101]) * 1000)
"""


def test_two_processes_share_a_folder_that_is_too_small(place):
    program = f"from chainrule.engines.fused import disk_cache as store\n{MANY}"
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", program]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert 20_000 < sum(p.stat().st_size for p in place.iterdir()) <= 40_000 + 2 * 2_000
    assert not list(place.glob("*.part"))


# how much


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(disk_cache, "LIMIT", 10_000)
    monkeypatch.setattr(disk_cache, "STRIDE", 1_000)


def used(place, key, days):
    then = time.time() - days * disk_cache.DAY
    os.utime(entry(place, key), (then, then))


def test_the_folder_stays_within_its_limit(place, small_limit):
    for i in range(200):
        disk_cache.keep(f"{i:064x}", bytes(100 + i * 37 % 900))
        assert sum(p.stat().st_size for p in place.iterdir()) <= 10_000
        assert disk_cache.fetch(f"{i:064x}") is not None
    assert sum(p.stat().st_size for p in place.iterdir()) > 7_000


def test_what_was_not_used_for_longest_goes_first(place, small_limit):
    keys = [f"{i:064x}" for i in range(12)]
    for i, key in enumerate(keys[:9]):
        disk_cache.keep(key, bytes(900))
        used(place, key, 20 - i)
    assert disk_cache.fetch(keys[0]) is not None
    for key in keys[9:]:
        disk_cache.keep(key, bytes(900))
    left = [key for key in keys if disk_cache.fetch(key) is not None]
    assert left[0] == keys[0]
    assert left[1:] == keys[-len(left) + 1 :]
    assert len(left) >= 7


def test_code_beyond_the_limit_is_not_kept(place, small_limit):
    disk_cache.keep(KEY, CODE)
    disk_cache.keep(OTHER, bytes(10_000))
    assert names(place) == [entry(place).name]


def test_where_nothing_can_be_removed_nothing_is_added(place, small_limit, monkeypatch):
    monkeypatch.setattr("os.unlink", fail_with(errno.EACCES))
    for i in range(30):
        disk_cache.keep(f"{i:064x}", bytes(900))
    assert sum(p.stat().st_size for p in place.iterdir()) <= 10_000


def test_only_the_stores_own_files_go(place, small_limit):
    place.mkdir(mode=0o700)
    foreign = ["letter.txt", OTHER, f"{OTHER}.code.old", f"x{OTHER}.code", "a.part", f"{OTHER}.txt"]
    for name in foreign:
        (place / name).write_bytes(bytes(9_000))
        os.utime(place / name, (1, 1))
    for i in range(30):
        disk_cache.keep(f"{i:064x}", bytes(900))
    assert set(foreign) < set(names(place))
    assert sum(p.stat().st_size for p in place.glob("*.code") if p.name not in foreign) > 5_000


@pytest.mark.parametrize(("days", "touched"), [(0.5, False), (1.5, True), (-0.5, False), (-300, True)])
def test_fetching_marks_as_used_once_a_day(place, days, touched):
    disk_cache.keep(KEY, CODE)
    written = entry(place).stat().st_mtime
    used(place, KEY, days)
    before = entry(place).stat().st_mtime
    assert disk_cache.fetch(KEY) == CODE
    after = entry(place).stat().st_mtime
    assert (after != before) == touched
    assert not touched or written <= after < written + disk_cache.DAY


def test_damaged_code_is_not_marked_as_used(place):
    disk_cache.keep(KEY, CODE)
    entry(place).write_bytes(b"")
    used(place, KEY, 5)
    before = entry(place).stat().st_mtime
    assert disk_cache.fetch(KEY) is None
    assert entry(place).stat().st_mtime == before


# whose


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077])
def test_folder_and_entries_are_for_their_owner_alone(place, umask):
    before = os.umask(umask)
    try:
        disk_cache.keep(KEY, CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry(place).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_in_is_not_used(place, mode):
    disk_cache.keep(KEY, CODE)
    place.chmod(mode)
    with pytest.warns(UserWarning, match=r"cache can be written by other users.*chmod go-w '.*cache'") as warned:
        assert disk_cache.fetch(KEY) is None
    assert len(warned) == 1
    assert disk_cache.fetch(KEY) is None
    disk_cache.keep(OTHER, CODE)
    assert names(place) == [entry(place).name]
    place.chmod(0o755)
    assert disk_cache.fetch(KEY) == CODE


@pytest.mark.parametrize("first", ["fetch", "keep"])
def test_the_folder_of_another_user_is_not_used(place, monkeypatch, first):
    disk_cache.keep(KEY, CODE)
    monkeypatch.setattr("os.geteuid", lambda: os.stat(place).st_uid + 1)
    with pytest.warns(
        UserWarning, match="cache belongs to another user.*CHAINRULE_CACHE_DIR to a folder of your own"
    ) as warned:
        disk_cache.keep(OTHER, CODE) if first == "keep" else disk_cache.fetch(KEY)
    assert len(warned) == 1
    assert disk_cache.fetch(KEY) is None
    disk_cache.keep(OTHER, CODE)
    assert names(place) == [entry(place).name]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_can_write_is_not_used(place, mode):
    disk_cache.keep(KEY, CODE)
    entry(place).chmod(mode)
    with pytest.warns(UserWarning, match=r"\.code can be written by other users"):
        assert disk_cache.fetch(KEY) is None
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) == CODE


def with_owner(real, changed):
    def status(path, **options):
        found = real(path, **options)
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:])) if changed(path) else found

    return status


def test_an_entry_of_another_user_is_not_used(monkeypatch):
    disk_cache.keep(KEY, CODE)
    with monkeypatch.context() as patch:
        patch.setattr("os.fstat", with_owner(os.fstat, lambda _: True))
        with pytest.warns(UserWarning, match=r"\.code belongs to another user"):
            assert disk_cache.fetch(KEY) is None
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) == CODE


def test_a_link_is_followed_to_a_folder_only_if_it_is_the_users_own(place, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "real")
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) == CODE
    monkeypatch.setattr("os.lstat", with_owner(os.lstat, lambda path: Path(path) == place))
    with pytest.warns(UserWarning, match="belongs to another user"):
        assert disk_cache.fetch(KEY) is None


# where


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/caches", "/caches/chainrule"),
        ("linux", "XDG_CACHE_HOME", "", "/home/me/.cache/chainrule"),
        ("linux", "XDG_CACHE_HOME", "not/absolute", "/home/me/.cache/chainrule"),
        ("linux", "XDG_CACHE_HOME", None, "/home/me/.cache/chainrule"),
        ("darwin", "XDG_CACHE_HOME", "/caches", "/home/me/Library/Caches/chainrule"),
        ("win32", "LOCALAPPDATA", "/local", "/local/chainrule"),
        ("win32", "LOCALAPPDATA", None, "/home/me/AppData/Local/chainrule"),
    ],
)
def test_where_caches_stand_on_each_system(monkeypatch, platform, variable, value, expected):
    for name in ("CHAINRULE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", "/home/me")
    if value is not None:
        monkeypatch.setenv(variable, value)
    assert disk_cache.folder() == Path(expected)


@pytest.mark.parametrize("value", ["", " ", "off", "OFF"])
def test_switched_off(monkeypatch, tmp_path, value):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert disk_cache.folder() is None
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) is None
    assert names(tmp_path) == []


def test_the_chosen_folder_is_made_as_it_is_written(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value, expected in [("near", "near"), ("~/mine", "home/mine")]:
        monkeypatch.setenv("CHAINRULE_CACHE_DIR", value)
        disk_cache.keep(KEY, CODE)
        assert names(tmp_path / expected) == [f"{KEY}.code"]


def test_no_home(monkeypatch):
    def nobody(_):
        raise KeyError

    for name in ("CHAINRULE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("sys.platform", "linux")
    assert disk_cache.folder() is None
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) is None


def test_a_home_that_does_not_exist_and_cannot(monkeypatch):
    monkeypatch.delenv("CHAINRULE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/home")
    disk_cache.keep(KEY, CODE)
    assert disk_cache.fetch(KEY) is None


# the key


def test_the_key_changes_with_all_that_the_code_depends_on(monkeypatch):
    import llvmlite
    from llvmlite import binding

    keys = [disk_cache.key(description, target) for description in ("", "a", "ab") for target in (AVX512, AVX2, NEON)]
    for field in fields(AVX2):
        value = getattr(AVX2, field.name)
        keys.append(disk_cache.key("a", replace(AVX2, **{field.name: value + type(value)(7)})))
    for where, name, value in [
        (disk_cache, "FORMAT", disk_cache.FORMAT + 1),
        (disk_cache, "_SOURCES", "other"),
        (llvmlite, "__version__", "other"),
        (binding, "llvm_version_info", (1, 2, 3)),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, value)
            keys.append(disk_cache.key("a", AVX2))
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)
    assert disk_cache.key("a", AVX2) == disk_cache.key("a", AVX2)


def test_the_key_is_the_same_in_another_process():
    program = "from chainrule.engines.fused.processor import AVX2; print(store.key('a\\n\\u2211\\udc80', AVX2))"
    first, second = (python(program, PYTHONHASHSEED=seed) for seed in "12")
    assert first.stdout.strip() == second.stdout.strip() == disk_cache.key("a\n\u2211\udc80", AVX2)


@pytest.fixture
def copied(tmp_path):
    return Path(shutil.copytree(Path(chainrule.__file__).parent, tmp_path / "copy" / "chainrule")).parent


def sources_from(path, program="print(store.__file__.startswith(sys.argv[1]), store.sources())"):
    done = python(program, path, PYTHONPATH=str(path), PYTHONDONTWRITEBYTECODE="1")
    found, hashed = done.stdout.split()
    assert found == "True"
    return hashed


def test_sources_are_the_same_from_a_folder_and_from_an_archive(copied, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in copied.rglob("*"):
            archive.write(file, file.relative_to(copied))
    assert disk_cache.sources() == sources_from(copied) == sources_from(tmp_path / "all.zip")


def test_sources_change_with_every_module_and_not_with_others(copied):
    fused = copied / "chainrule" / "engines" / "fused"
    (fused / "notes.txt").write_text("nothing")
    (copied / "chainrule" / "more.py").touch()
    assert sources_from(copied) == disk_cache.sources()
    (fused / "further").mkdir()
    (fused / "further" / "deep.py").touch()
    deeper = sources_from(copied)
    with (fused / "maps.py").open("a") as file:
        file.write(" ")
    assert len({disk_cache.sources(), deeper, sources_from(copied)}) == 3


def test_sources_that_change_under_a_running_process_are_not_taken_for_what_runs(copied):
    maps = copied / "chainrule" / "engines" / "fused" / "maps.py"
    program = f"with open({str(maps)!r}, 'a') as file: file.write(' ')\nprint(True, store.sources())"
    assert sources_from(copied, program) == disk_cache.sources()
    assert sources_from(copied) != disk_cache.sources()


def test_without_sources_no_process_meets_what_another_kept(copied):
    assert compile_dir(copied, quiet=1, legacy=True)
    for file in copied.rglob("*.py"):
        file.unlink()
    assert len({sources_from(copied), sources_from(copied), disk_cache.sources()}) == 3
