import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.data import split
from chainrule.errors import RequestError

fractions = st.sampled_from([0, 0.1, 0.15, 0.2, 0.3, 0.45])
seeds = st.integers(0, 2**32)


def size(m, fraction):
    return int(np.floor(m * fraction + 0.5))


def drawn(m, validation, test, **options):
    """The split, after checking that it cuts the rows; examples it rightly refuses are passed over."""
    assume((validation == 0 or size(m, validation)) and (test == 0 or size(m, test)))
    assume(size(m, validation) + size(m, test) < m)
    try:
        parts = split(m, validation_fraction=validation, test_fraction=test, **options)
    except RequestError as error:
        assert "too few" in str(error) or "has no group in training" in str(error)  # noqa: PT017
        assume(False)
    for rows in (parts.train, parts.validation, parts.test):
        assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(np.sort(np.concatenate([parts.train, parts.validation, parts.test])), np.arange(m))
    assert len(parts.train) > 0
    return parts


@given(st.integers(1, 300), fractions, fractions, seeds)
def test_parts_have_the_sizes_asked(m, validation, test, seed):
    parts = drawn(m, validation, test, seed=seed)
    assert (len(parts.validation), len(parts.test)) == (size(m, validation), size(m, test))


@given(st.lists(st.integers(0, 4), min_size=8, max_size=200), fractions, fractions, seeds)
def test_strata_keep_their_shares(codes, validation, test, seed):
    codes = np.array(codes)
    parts = drawn(len(codes), validation, test, seed=seed, strata=codes)
    assert (len(parts.validation), len(parts.test)) == (size(len(codes), validation), size(len(codes), test))
    for c in np.unique(codes):
        n = (codes == c).sum()
        assert (codes[parts.train] == c).any()
        for rows in (parts.validation, parts.test):
            if n >= 20:  # so many that keeping one row in training does not move the shares of any class much
                assert abs((codes[rows] == c).sum() - n * len(rows) / len(codes)) < 5


def test_shares_go_to_the_largest_remainders():
    codes = np.repeat([0, 1, 2], [47, 34, 19])  # 20 rows: quotas 9.4, 6.8, 3.8
    parts = split(100, validation_fraction=0.2, test_fraction=0.2, seed=3, strata=codes)
    for rows in (parts.test, parts.validation):
        assert np.bincount(codes[rows]).tolist() == [9, 7, 4]


def test_a_class_of_one_row_stays_in_training():
    codes = np.array([0] * 9 + [1])
    for seed in range(20):
        assert 9 in split(10, validation_fraction=0.4, test_fraction=0.4, seed=seed, strata=codes).train


@given(st.lists(st.integers(0, 30), min_size=3, max_size=200), fractions, fractions, seeds)
def test_groups_stay_whole_and_sizes_come_close(groups, validation, test, seed):
    groups = np.array(groups)
    m, sizes = len(groups), np.bincount(groups)
    parts = drawn(m, validation, test, seed=seed, groups=groups)
    of = [set(groups[rows]) for rows in (parts.train, parts.validation, parts.test)]
    assert of[0].isdisjoint(of[1] | of[2])
    assert of[1].isdisjoint(of[2])
    if len(of[0]) > 2:  # groups were left: none of them would have brought the part nearer
        smallest = sizes[sorted(of[0])].min()
        for rows, fraction in ((parts.validation, validation), (parts.test, test)):
            assert len(rows) <= size(m, fraction) + sizes.max() // 2 or len(set(groups[rows])) == 1
            assert len(rows) + smallest >= size(m, fraction)


def test_groups_meet_the_sizes_where_they_can():
    parts = split(100, validation_fraction=0.2, test_fraction=0.2, seed=0, groups=np.arange(100) // 2)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (60, 20, 20)
    parts = split(12, validation_fraction=0, test_fraction=0.25, seed=0, groups=[*"aabbccddeeff"])
    assert len(parts.test) in (2, 4)


def test_a_part_leaves_groups_for_the_parts_to_come():
    for seed in range(10):  # both small groups would fit into the test part
        parts = split(10, validation_fraction=0.2, test_fraction=0.2, seed=seed, groups=[*"abcccccccc"])
        assert (len(parts.train), len(parts.validation), len(parts.test)) == (8, 1, 1)


def test_groups_of_any_labels_split_alike():
    numbers = [3, 3, 1, 1, 2, 2, 5, 5, 4, 4]
    splits = [
        split(10, validation_fraction=0.2, test_fraction=0.2, seed=1, groups=groups).test.tolist()
        for groups in (numbers, np.array(numbers), pa.array(numbers), [f"g{n}" for n in numbers])
    ]
    assert splits == [splits[0]] * 4


RECORDED = ([2, 3, 4, 8, 9], [0, 5], [1, 6, 7])


def test_the_seed_decides_and_the_rows_are_the_same_on_every_machine():
    options = {"validation_fraction": 0.2, "test_fraction": 0.3}
    parts = split(10, seed=7, **options)
    assert (parts.train.tolist(), parts.validation.tolist(), parts.test.tolist()) == RECORDED
    assert split(10, seed=7, **options).test.tolist() == parts.test.tolist()
    assert len({tuple(split(50, seed=s, **options).test) for s in range(10)}) == 10


def test_fractions_of_zero_leave_parts_empty():
    parts = split(5, validation_fraction=0, test_fraction=0, seed=0)
    assert (parts.train.tolist(), parts.validation.tolist(), parts.test.tolist()) == ([0, 1, 2, 3, 4], [], [])


OPTIONS = {"validation_fraction": 0.2, "test_fraction": 0.2, "seed": 0}
BAD = {
    "negative": ({"m": 10, "test_fraction": -0.1}, "test fraction must be at least 0"),
    "all": ({"m": 10, "validation_fraction": 1.0}, "validation fraction must be at least 0 and below 1, not 1.0"),
    "NaN": ({"m": 10, "test_fraction": float("nan")}, "not nan"),
    "all together": ({"m": 10, "validation_fraction": 0.5, "test_fraction": 0.5}, "leave no training row"),
    "less than a row": ({"m": 2}, "less than half a row: ask for more"),
    "no row left": ({"m": 2, "validation_fraction": 0.49, "test_fraction": 0.49}, "2 rows are too few"),
    "too many classes": ({"m": 10, "strata": np.arange(10) // 1.3}, "classes are too few"),
    "strata too short": ({"m": 10, "strata": [0, 1]}, "one label for each of the 10 rows"),
    "groups too short": ({"m": 10, "groups": [0, 1]}, "one label for each of the 10 rows"),
    "too few groups": ({"m": 10, "groups": [*"aaaaabbbbb"]}, "2 groups are too few for 3 parts"),
    "a group missing": ({"m": 10, "groups": [*"abcdefghi", None]}, "group is missing in row 10"),
    "a group NaN": ({"m": 3, "groups": [1.0, float("nan"), 2.0]}, "group is missing in row 2"),
    "a class in no group of training": (
        {"m": 10, "groups": [*"aabbccddee"], "strata": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]},
        "has no group in training",
    ),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_bad_requests_are_refused(options, message):
    with pytest.raises(RequestError, match=message):
        split(**{**OPTIONS, **options})
