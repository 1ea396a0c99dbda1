"""Folds are all rows once, each with its share of every stratum, and no group is on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.folds import fold_of_groups, fold_of_rows, parts, strata_of_numbers


@given(st.lists(st.integers(0, 4), min_size=10, max_size=200), st.integers(2, 6), st.integers(0, 5))
def test_every_fold_has_its_share_of_each_stratum(strata, folds, seed):
    strata = np.array(strata)
    fold = fold_of_rows(strata, folds, seed)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for stratum in np.unique(strata):
        of_stratum = np.bincount(fold[strata == stratum], minlength=folds)
        assert of_stratum.max() - of_stratum.min() <= 1
    cut = parts(strata, folds, 0.0, seed)
    assert sorted(np.concatenate([validation for _, validation in cut])) == [*range(len(strata))]
    for training, validation in cut:
        assert sorted([*training, *validation]) == [*range(len(strata))]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=10, max_size=100), st.integers(2, 4))
def test_no_group_is_on_both_sides(groups, folds):
    fold = fold_of_groups(groups, folds, seed=0)
    for group in {*groups}:
        assert len({fold[i] for i, label in enumerate(groups) if label == group}) == 1
    largest = max(groups.count(group) for group in groups)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= largest


def test_one_part_keeps_a_row_of_each_class_for_training():
    strata = np.array([0] * 20 + [1] * 20 + [2])
    ((training, validation),) = parts(strata, 1, 0.3, seed=0)
    assert 40 in training
    assert len(validation) == 12


@pytest.mark.parametrize("folds", [1, 4])
def test_groups_are_whole_in_every_part(folds):
    groups = [f"g{i // 7}" for i in range(100)]
    for training, validation in parts(np.zeros(100, int), folds, 0.2, 0, groups):
        assert not {groups[i] for i in training} & {groups[i] for i in validation}


def test_strata_of_numbers_are_of_like_numbers():
    y = np.random.default_rng(0).normal(size=100)
    strata = strata_of_numbers(y, 10)
    assert np.bincount(strata).tolist() == [10] * 10
    assert all(y[strata == s].max() <= y[strata == s + 1].min() for s in range(9))
