import contextlib
import os
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from memodule.errors import UserError
from memodule.runtime.plain_pickle import read_plain_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles")


def read(folder, contents):
    path = folder / "some.pkl"
    path.write_bytes(contents)
    return read_plain_pickle(path)


@given(
    array=stn.arrays(
        st.sampled_from(["f8", "f4", ">f8", "f2", "i8", "<i2", "u1", "b1"]),
        stn.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    fortran=st.booleans(),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_arrays_come_back_as_they_were(folder, array, fortran, protocol):
    array = np.asfortranarray(array) if fortran else array
    got = read(folder, pickle.dumps([array, {"a": (array, 1.5, "text", None)}], protocol))
    for one in (got[0], got[1]["a"][0]):
        assert one.dtype == array.dtype
        assert one.shape == array.shape
        np.testing.assert_array_equal(one, array)
    assert got[1]["a"][1:] == (1.5, "text", None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scalars_and_arrays_of_objects_come_back(folder, protocol):
    rows = np.empty(2, object)
    rows[0], rows[1] = np.arange(3.0), [np.float32(2.5)]
    got = read(folder, pickle.dumps([rows, np.int64(7), np.bool_(True)], protocol))
    assert isinstance(got[0], list)
    np.testing.assert_array_equal(got[0][0], np.arange(3.0))
    assert got[0][1] == [2.5]
    assert got[1:] == [7, True]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_names_of_numpy_1_are_read(folder, protocol):
    array = np.arange(6.0).reshape(2, 3)
    contents = pickle.dumps(array, protocol)
    for module in (b"numpy._core.multiarray", b"numpy._core.numeric"):  # SHORT_BINUNICODE carries the length
        old = module.replace(b"_core", b"core")
        contents = contents.replace(bytes([len(module)]) + module, bytes([len(old)]) + old).replace(module, old)
    # frames of protocol 4 and later carry their length as well
    contents = contents.replace(b"\x95" + contents[3:11], b"") if protocol >= 4 else contents
    assert b"_core" not in contents
    np.testing.assert_array_equal(read(folder, contents), array)


class Calls:
    """Pickles to a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, f"{os.system.__module__}.system"),
        (eval, "builtins.eval|__builtin__.eval"),
        (np.load, "numpy.load"),
        (np.memmap, "numpy.memmap"),
        (np.lib.format.open_memmap, "open_memmap"),
    ],
)
def test_foreign_functions_are_named_and_not_called(folder, protocol, function, name):
    trace = folder / "trace"
    with pytest.raises(UserError, match=rf"some.pkl: names .*({name})") as refusal:
        read(folder, pickle.dumps([np.zeros(2), Calls(function, f"touch {trace}")], protocol))
    assert not trace.exists()
    assert "\n" not in str(refusal.value)


def test_names_are_looked_up_in_no_attribute(folder):
    """Protocol 4 allows dotted names; ours are whole names."""
    with pytest.raises(UserError, match=r"names numpy.ndarray.tofile"):
        read(folder, b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")


def test_made_up_types_do_not_reach_numpy(folder):
    """A structure with an object inside would let numbers be taken for addresses."""
    for dtype in (np.dtype([("a", "f4")]), np.dtype("S3"), np.dtype("M8[s]"), np.dtype(("f4", 2))):
        with pytest.raises(UserError, match="not a pickle of arrays, or damaged"):
            read(folder, pickle.dumps(np.zeros(2, dtype) if dtype.shape == () else dtype, 2))


def test_contents_that_do_not_fill_the_shape_are_refused(folder):
    contents = pickle.dumps(np.zeros((3, 4)), 2)
    with pytest.raises(UserError, match=r"96 bytes for an array of shape \(3, 5\)"):
        read(folder, contents.replace(b"K\x03K\x04\x86", b"K\x03K\x05\x86"))


def test_what_is_no_pickle_is_named(folder):
    good = pickle.dumps([np.arange(100.0)])
    for contents in (b"", b"PK\x03\x04", good[:-60], good[:60], b"\x80\x04]\x94h\x00a."):
        with pytest.raises(UserError, match=r"some\.pkl: .*get the file again"):
            read(folder, contents)
    with pytest.raises(UserError, match=r"none\.pkl: no such file"):
        read_plain_pickle(folder / "none.pkl")
    with pytest.raises(UserError, match="no such file"):
        read_plain_pickle(folder)


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_any_flipped_byte_is_read_or_refused(folder, position, value):
    contents = bytearray(pickle.dumps([[np.arange(8.0).reshape(2, 4)], np.float32(1)]))
    contents[position % len(contents)] = value
    with contextlib.suppress(UserError):
        read(folder, bytes(contents))


@pytest.mark.parametrize("number", [b"\xff\xff\xff\x7f", b"\x00\x00\x80\x00"])
def test_no_byte_makes_python_reserve_memory_that_the_file_does_not_fill(folder, number):
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="entry"):
            read(folder, b"\x80\x02]r" + number + b".")
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


def test_a_frame_longer_than_the_file_is_refused(folder):
    with pytest.raises(UserError, match="a part of"):
        read(folder, b"\x80\x04\x95" + (2**40).to_bytes(8, "little") + b"].")
