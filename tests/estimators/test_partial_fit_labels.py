"""partial_fit reads labels as fit does, in whatever they are handed over."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_array, csr_matrix

from chainrule import MLPClassifier
from tests.estimators.rows import MULTI, RARE, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WORDS = np.array(["no", "yes"])[RARE]
INDICATOR = (X > 0).astype(int)


def as_frame(y):
    return pytest.importorskip("pandas").DataFrame(y)


def as_polars(y):
    return pytest.importorskip("polars").Series(y.tolist())


# labels, all there will be, and the forms in which they are handed over
FORMS = {
    "array": (np.asarray, (WORDS, RARE, MULTI, RARE.astype(bool), INDICATOR)),
    "list": (lambda y: y.tolist(), (WORDS, RARE, MULTI, RARE.astype(bool), INDICATOR)),
    "object": (lambda y: y.astype(object), (WORDS,)),
    "column": (lambda y: y[:, None], (WORDS, RARE)),
    "series": (lambda y: pytest.importorskip("pandas").Series(y), (WORDS, RARE, MULTI)),
    "polars": (as_polars, (RARE, MULTI)),
    "frame": (as_frame, (INDICATOR,)),
    "sparse": (csr_matrix, (INDICATOR,)),
    "sparse array": (csr_array, (INDICATOR,)),
    "sparse columns": (csc_matrix, (INDICATOR,)),
}
BESIDE = {
    "array": lambda: X,
    "list": lambda: X.tolist(),
    "sparse": lambda: csr_matrix(X),
    "frame of numbers": lambda: pytest.importorskip("pandas").DataFrame(X, columns=list("abc")),
    "frame of categories": lambda: (
        pytest.importorskip("pandas")
        .DataFrame(X, columns=list("abc"))
        .assign(s=np.array(["u", "v", "w"])[np.arange(len(X)) % 3])
    ),
}
CASES = [(form, i) for form, (_, labels) in FORMS.items() for i in range(len(labels))]


def known(y):
    return np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize(("form", "i"), CASES)
def test_an_epoch_of_fit_is_a_partial_fit(form, i, beside):
    hand_over, labels = FORMS[form]
    y, rows = labels[i], BESIDE[beside]()
    given = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 1}
    once = MLPClassifier(**given).fit(rows, hand_over(y))
    for classes in (known(y), known(y).tolist()):
        part = MLPClassifier(**given).partial_fit(rows, hand_over(y), classes=classes)
        part_of_rows = MLPClassifier(**given).partial_fit(rows, hand_over(y), classes=classes)
        part_of_rows.partial_fit(rows, hand_over(y))
        assert np.array_equal(part.theta_, once.theta_)
        assert np.array_equal(part.classes_, once.classes_)
        assert part.classes_.dtype == once.classes_.dtype
        mine, other = part.predict(rows), once.predict(rows)
        assert type(mine) is type(other)
        assert (mine != other).sum() == 0


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_batch_may_lack_a_class(warm_start):
    model = MLPClassifier((4,), random_state=0, warm_start=warm_start)
    model.partial_fit(X[MULTI == 1], MULTI[MULTI == 1].tolist(), classes=[2, 0, 1])
    model.partial_fit(X[MULTI == 0].tolist(), MULTI[MULTI == 0])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, MULTI + 1)


def test_a_first_call_that_fails_can_be_made_again_with_other_classes():
    model = MLPClassifier((4,), random_state=0)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, MULTI, classes=[0, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.partial_fit(X[:9], MULTI, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, MULTI)
    model.partial_fit(X, MULTI, classes=[0, 1, 2])
    plain = MLPClassifier((4,), random_state=0).partial_fit(X, MULTI, classes=[0, 1, 2])
    assert np.array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3], ["a", "b", "c"]])
def test_classes_of_an_indicator_are_its_columns(classes):
    with pytest.raises(ValueError, match=r"3 labels.*classes=range\(3\)"):
        MLPClassifier((4,)).partial_fit(X, INDICATOR.tolist(), classes=classes)
