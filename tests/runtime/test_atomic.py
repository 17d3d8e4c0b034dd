"""Files that are whole or absent, and what killed writers leave."""

import os
import time

import pytest

from memodule.runtime.atomic import aside_of, remove_leftovers, replacing, write_json


def write_half(path):
    with replacing(path) as aside:
        aside.write_text("half")
        raise ZeroDivisionError


def test_a_failed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "new" / "some.csv"
    with replacing(path) as aside:
        assert (aside.parent, aside.suffix) == (path.parent, ".csv")
        aside.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(path)
    assert path.read_text() == "old"
    with pytest.raises(ValueError, match="nan"):
        write_json(path, {"score": float("nan")})
    assert [file.name for file in path.parent.iterdir()] == ["some.csv"]


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        raise AssertionError


def test_leftovers_are_removed_once_they_are_old_enough(tmp_path):
    kept = tmp_path / "deep" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    file, folder, young = aside_of(kept), aside_of(kept.with_name("images")), aside_of(kept)
    file.write_text("half")
    folder.mkdir()
    (folder / "00000.png").write_bytes(b"")
    young.write_text("in use")
    for path in (file, folder):
        os.utime(path, (time.time() - 100,) * 2)
    remove_leftovers(tmp_path, older_than=50)
    assert set(kept.parent.iterdir()) == {kept, young}
    remove_leftovers(tmp_path)
    assert set(kept.parent.iterdir()) == {kept}
