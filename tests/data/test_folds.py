from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memodule.data.folds import Fold, make_fold
from memodule.datasets import Catalog, Expression, Video
from memodule.errors import UserError


def catalog(subjects: int, expressive: int | None = None) -> Catalog:
    names = [f"{i:03d}" for i in range(subjects)]
    videos = tuple(Video(name, "a", Path("a.mp4"), 30, 100) for name in names)
    labelled = names[: subjects if expressive is None else expressive]
    return Catalog(videos, tuple(Expression(name, "a", "micro", 10, 15, 30, "positive") for name in labelled), "toy")


@given(st.integers(2, 12), st.data())
def test_the_three_roles_share_no_subject_and_leave_out_none(subjects, data):
    count = data.draw(st.integers(0, max(subjects - 2, 0)))
    whole, seed = catalog(subjects), data.draw(st.integers(0, 9))
    for held_out in whole.subjects:
        fold = make_fold(whole, held_out, count, seed)
        assert sorted((fold.held_out, *fold.training, *fold.validation)) == list(whole.subjects)
        assert len(fold.validation) == count
        assert fold == make_fold(whole, held_out, count, seed)


def test_inner_validation_subjects_have_something_to_validate():
    for held_out in catalog(8, expressive=4).subjects:
        fold = make_fold(catalog(8, expressive=4), held_out, 2)
        assert set(fold.validation) <= {"000", "001", "002", "003"}


def test_inner_validation_subjects_can_be_named():
    fold = make_fold(catalog(5), "002", ["001", "002"])
    assert fold.validation == ("001",)
    assert fold.training == ("000", "003", "004")


def test_overlapping_roles_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        Fold("1", ("2", "3"), ("3",))
    with pytest.raises(ValueError, match="overlap"):
        Fold("1", ("1", "2"))


@pytest.mark.parametrize(
    ("held_out", "inner", "message"),
    [
        ("009", 0, "no subject '009'; choose one of 000, 001, 002"),
        ("000", 2, "2 of fold 000's 2 other subjects"),
        ("000", ["7"], "no subject '7'"),
        ("000", ["001", "002"], "no training subject is left in fold 000"),
    ],
)
def test_impossible_folds_name_the_mend(held_out, inner, message):
    with pytest.raises(UserError, match=message):
        make_fold(catalog(3), held_out, inner)
