import json
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore
from memodule.runtime.digests import file_sha256

SOURCE = {"kind": "test"}


def features(windows=3, window=30, seed=0):
    return np.random.default_rng(seed).normal(size=(windows, 36, window)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    return FlowStore(tmp_path / "store", FlowParameters())


def test_put_then_get_gives_everything_back(store):
    windows = features()
    store.put("s01", "a", windows, fps=29.97, frames=61, source={"kind": "frames", "path": "x.mp4"}, quality={"n": 1})
    record = store.get("s01", "a")
    np.testing.assert_array_equal(record.windows, windows)
    assert isinstance(record.windows, np.memmap)
    assert not record.windows.flags.writeable
    assert (record.subject, record.video, record.fps, record.frames) == ("s01", "a", 29.97, 61)
    assert record.parameters == store.parameters
    assert record.source == {"kind": "frames", "path": "x.mp4"}
    assert record.quality == {"n": 1}
    assert record.shape == (3, 36, 30)


def test_an_empty_video_can_be_kept(store):
    store.put("s01", "short", features(0), fps=30, frames=7, source=SOURCE)
    assert store.get("s01", "short").windows.shape == (0, 36, 30)


def test_float64_is_kept_as_float32(store):
    windows = features().astype(np.float64)
    assert store.put("s", "v", windows, fps=30, frames=60, source=SOURCE).windows.dtype == np.float32


@pytest.mark.parametrize(
    ("windows", "source", "complaint"),
    [
        (features(2, window=50), SOURCE, r"\(W, 36, 30\)"),
        (np.zeros((2, 10, 30)), SOURCE, r"\(W, 36, 30\)"),
        (np.full((1, 36, 30), np.nan), SOURCE, "not finite"),
        (np.full((1, 36, 30), 1e300), SOURCE, "not finite"),
        (features(), {"path": "x"}, "kind"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_put_refuses_what_are_no_features(store, windows, source, complaint):
    with pytest.raises(ValueError, match=complaint):
        store.put("s", "v", windows, fps=30, frames=60, source=source)
    assert not store.description_path("s", "v").exists()


def test_missing_video_names_file_other_parameters_and_remedy(store, tmp_path):
    with pytest.raises(UserError, match=r"s/v.*; run `memodule extract CATALOG --out .*store --window 30"):
        store.get("s", "v")
    other = FlowStore(tmp_path / "store", FlowParameters(window=50))
    other.put("s", "v", features(window=50), fps=30, frames=60, source=SOURCE)
    with pytest.raises(UserError, match="window50-step1-corrected"):
        store.get("s", "v")


@pytest.mark.parametrize(
    "changed",
    [{"window": 32}, {"frame_step": 2}, {"motion_compensation": "published"}],
    ids=lambda change: next(iter(change)),
)
def test_every_parameter_counts(store, tmp_path, changed):
    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    with pytest.raises(UserError, match="s/v"):
        FlowStore(tmp_path / "store", FlowParameters(**changed)).get("s", "v")


def test_truncated_array_is_named(store):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    with record.path.open("r+b") as file:
        file.truncate(record.path.stat().st_size - 4)
    with pytest.raises(UserError, match=rf"{record.path.name}: truncated .* run `memodule extract"):
        store.get("s", "v")


@pytest.mark.parametrize(
    "contents", [b"", b"\x93NUMPY", b"hello, I am no array" * 100], ids=["empty", "cut", "foreign"]
)
def test_foreign_array_is_named(store, contents):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    record.path.write_bytes(contents)
    with pytest.raises(UserError, match=rf"{record.path.name}: .* foreign.* run `memodule extract"):
        store.get("s", "v")


def test_array_of_another_shape_is_named(store):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    np.save(record.path, features(4))
    with pytest.raises(UserError, match=r"\(4, 36, 30\).* run `memodule extract"):
        store.get("s", "v")


def test_lost_array_is_named(store):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    record.path.unlink()
    with pytest.raises(UserError, match=rf"{record.path.name}: .*missing"):
        store.get("s", "v")


def test_flipped_bit_is_found_by_verify_only(store):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    store.verify(record)
    contents = bytearray(record.path.read_bytes())
    contents[-3] ^= 1
    record.path.write_bytes(contents)
    with pytest.raises(UserError, match=rf"{record.path.name}: .* run `memodule extract"):
        store.verify(store.get("s", "v"))


@pytest.mark.parametrize("contents", ["", "{", "[]", '{"format": "memodule flow 1"}', '{"a": 1}', "\xff"])
def test_foreign_description_is_named(store, contents):
    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    path = store.description_path("s", "v")
    path.write_bytes(contents.encode("latin-1"))
    with pytest.raises(UserError, match=rf"{path.name}: .* foreign.* run `memodule extract"):
        store.get("s", "v")


def test_description_of_another_video_is_named(store):
    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    store.put("s", "w", features(), fps=30, frames=60, source=SOURCE)
    store.description_path("s", "w").replace(store.description_path("s", "v"))
    with pytest.raises(UserError, match="s/w"):
        store.get("s", "v")


def test_description_cannot_point_outside_the_store(store, tmp_path):
    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    np.save(tmp_path / "secret.npy", features())
    path = store.description_path("s", "v")
    path.write_text(json.dumps({**json.loads(path.read_text()), "array": "../../secret.npy"}))
    with pytest.raises(UserError, match="foreign"):
        store.get("s", "v")


def test_replacing_leaves_one_array(store):
    store.put("s", "v", features(seed=0), fps=30, frames=60, source=SOURCE)
    store.put("s", "v", features(seed=1), fps=30, frames=60, source=SOURCE)
    np.testing.assert_array_equal(store.get("s", "v").windows, features(seed=1))
    assert len(list(store.folder.iterdir())) == 2


def test_describe_renews_source_and_keeps_the_rest(store):
    record = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE, quality={"n": 1})
    store.describe(record, fps=25, source={"kind": "test", "path": "elsewhere"})
    renewed = store.get("s", "v")
    assert renewed.fps == 25
    assert renewed.source["path"] == "elsewhere"
    assert (renewed.sha256, renewed.quality, renewed.frames) == (record.sha256, {"n": 1}, 60)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_records_hold_no_files_open(store):
    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    before = open_files()
    records = [store.get("s", "v") for _ in range(50)]
    assert all(record.windows[0, 0, 0] == features()[0, 0, 0] for record in records)
    assert open_files() <= before + 2
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(records[0])).windows, features())


codes = st.text(min_size=1, max_size=80)


@given(st.lists(st.tuples(codes, codes), min_size=2, max_size=6, unique=True))
@settings(max_examples=200)
def test_any_codes_give_safe_names_without_collision(keys):
    store = FlowStore("store", FlowParameters())
    paths = [store.description_path(*key) for key in keys]
    assert len({path.name.casefold() for path in paths}) == len(keys)
    for path in paths:
        assert path.parent == store.folder
        assert path.name.isascii()
        assert len(path.name) < 100
        assert not set(path.name) & set('/\\:*?"<>| ')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b_c"), ("a_b", "c")),
        (("s/1", "v"), ("s 1", "v")),
        (("S", "v"), ("s", "v")),
        (("\u00e9", "v"), ("e\u0301", "v")),
    ],
)
def test_similar_codes_stay_apart(store, one, other):
    store.put(*one, features(seed=1), fps=30, frames=60, source=SOURCE)
    store.put(*other, features(seed=2), fps=30, frames=60, source=SOURCE)
    np.testing.assert_array_equal(store.get(*one).windows, features(seed=1))
    np.testing.assert_array_equal(store.get(*other).windows, features(seed=2))


def test_names_say_who(store):
    assert store.description_path("006", "006_1").name.startswith("006_006_1-")


def test_leftovers_of_killed_writers_go_when_they_are_old(store):
    kept = store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    names = [f"{kind}-{age}" for kind in (".memodule-tmp", "s_v-0123456789.0123456789ab") for age in ("old", "young")]
    paths = [store.folder / f"{name}.npy" for name in names]
    for path in [*paths, kept.path]:
        path.touch()
        if not path.stem.endswith("young"):
            os.utime(path, (time.time() - 7200,) * 2)
    store.remove_leftovers()
    assert [path.exists() for path in paths] == [False, True, False, True]
    np.testing.assert_array_equal(store.get("s", "v").windows, features())


def test_readers_never_see_half_a_video(store):
    """Two writers replace a video over and over while a reader checks that array and description agree."""
    stop = threading.Event()

    def write(seed):
        count = 0
        while not stop.is_set():
            store.put("s", "v", features(windows=1 + (seed + count) % 5, seed=seed), fps=30, frames=60, source=SOURCE)
            count += 1

    store.put("s", "v", features(), fps=30, frames=60, source=SOURCE)
    writers = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    torn = whole = 0
    until = time.monotonic() + 1.5
    while time.monotonic() < until or (whole <= 20 and time.monotonic() < until + 60):
        try:
            record = store.get("s", "v")
            windows = np.array(record.windows)
        except (UserError, FileNotFoundError) as gone:  # replaced between description and array
            assert isinstance(gone, FileNotFoundError) or "missing" in str(gone)  # noqa: PT017
            continue
        whole += 1
        torn += windows.shape != record.shape
    stop.set()
    for writer in writers:
        writer.join()
    assert whole > 20
    assert torn == 0
    store.verify(store.get("s", "v"))


@pytest.mark.slow
def test_killed_writers_leave_whole_files(tmp_path):
    """A process that puts one video after another is killed at any moment; what it described is whole."""
    code = (
        "import sys, numpy as np\n"
        "from memodule.flow import FlowParameters, FlowStore\n"
        "store = FlowStore(sys.argv[1], FlowParameters())\n"
        "print('ready', flush=True)\n"
        "for i in range(100000):\n"
        "    w = np.random.default_rng(i).normal(size=(500, 36, 30))\n"
        "    store.put('s', str(i % 7), w, fps=30, frames=60, source={'kind': 'test'})\n"
    )
    store = FlowStore(tmp_path, FlowParameters())
    for delay in (0.05, 0.13, 0.27, 0.41):
        with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        for description in store.folder.glob("[!.]*.json"):
            video = json.loads(description.read_text())["video"]
            record = store.get("s", video)
            store.verify(record)
            assert file_sha256(record.path).startswith(record.path.name.split(".")[-2])
    assert list(store.folder.glob("[!.]*.json"))
