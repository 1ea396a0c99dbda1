"""Warnings of a fit name the line that asked for it, through whatever stands between, and come once a call of it."""

import inspect
import warnings

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor
from chainrule.engines import SlowerEngine, make_engine
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.estimators.rows import RARE, TARGET, X


def short(solver="adam", **more):
    return MLPRegressor(hidden_layer_sizes=(3,), solver=solver, max_iter=3, random_state=0, **more)


def searched(estimator, **grid):
    return GridSearchCV(estimator, grid, cv=3)


class Mine(MLPRegressor):
    """A subclass that is fitted through its own method."""

    def refit(self, X, y):
        return self.fit(X, y)


STRENGTHS = [1e-4, 1e-2]
WAYS = {
    "fit": lambda: short().fit(X, TARGET),
    "lbfgs": lambda: short("lbfgs").fit(X, TARGET),
    "pipeline": lambda: make_pipeline(StandardScaler(), short()).fit(X, TARGET),
    "search": lambda: searched(short(), alpha=STRENGTHS).fit(X, TARGET),
    "search of lbfgs": lambda: searched(short("lbfgs"), alpha=STRENGTHS).fit(X, TARGET),
    "search over epochs": lambda: searched(short(), max_iter=[2, 3]).fit(X, TARGET),
    "search in a pipeline": lambda: searched(
        make_pipeline(StandardScaler(), short()), mlpregressor__alpha=STRENGTHS
    ).fit(X, TARGET),
    "search in threads": lambda: make_pipeline(searched(short(), alpha=STRENGTHS)).fit(X, TARGET),
    "cross_val_score": lambda: cross_val_score(short(), X, TARGET, cv=3),
    "outputs": lambda: MultiOutputRegressor(short()).fit(X, X),
    "ensemble": lambda: BaggingRegressor(short(), n_estimators=3).fit(X, TARGET),
    "joblib": lambda: Parallel(n_jobs=1)(delayed(short().fit)(X, TARGET) for _ in range(3)),
}


@pytest.mark.parametrize("filters", ["default", "always"])
@pytest.mark.parametrize("way", WAYS)
def test_a_warning_names_the_users_line_once(way, filters):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(filters)
        WAYS[way]()
    caught = [w for w in caught if w.category is ConvergenceWarning]
    assert len(caught) == 1
    lines, first = inspect.getsourcelines(WAYS[way])
    assert caught[0].filename == __file__
    assert first <= caught[0].lineno < first + len(lines)


def test_every_call_warns_again():
    search = searched(short(), alpha=STRENGTHS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            search.fit(X, TARGET)
            short().fit(X, TARGET)
    assert len([w for w in caught if w.category is ConvergenceWarning]) == 6


def test_different_warnings_of_one_call_are_all_given():
    grid = {"max_iter": [2], "batch_size": [50, 1000]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        searched(short(), **grid).fit(X, TARGET)
    assert sorted(w.category.__name__ for w in caught) == ["ConvergenceWarning", "UserWarning"]
    assert {w.filename for w in caught} == {__file__}


def test_a_warning_can_be_made_an_error_in_a_search_too():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            short().fit(X, TARGET)
        with pytest.raises(ValueError, match="fits failed"):
            searched(short(), alpha=STRENGTHS).fit(X, TARGET)


def test_a_method_of_a_subclass_is_the_users_line():
    with pytest.warns(ConvergenceWarning) as caught:
        Mine(max_iter=2).refit(X, TARGET)
    lines, first = inspect.getsourcelines(Mine.refit)
    assert (caught[0].filename, caught[0].lineno) == (__file__, first + len(lines) - 1)


def test_a_run_that_explodes_and_one_whose_rate_is_0_name_it_too():
    steep = MLPClassifier((3,), solver="sgd", learning_rate_init=1e300, early_stopping=True, random_state=0)
    ended = short(learning_rate="cosine", n_iter_no_change=99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ended.fit(X, TARGET)
    with pytest.warns(UserWarning, match="has ended") as caught:
        ended.partial_fit(X, TARGET)
    assert {w.filename for w in caught} == {__file__}
    with pytest.raises(ValueError, match="non-finite"):
        steep.fit(X, RARE)


def test_a_slower_engine_says_who_asked_for_it():
    def untraceable(xp):
        from chainrule.formulas.activations import ACTIVATIONS

        row = ACTIVATIONS.make("tanh", np)
        return type(row)(lambda Z: np.asarray(row.g(np.array(Z))), row.slope, row.formula, row.source)

    with pytest.warns(SlowerEngine) as caught:
        make_engine(Network((2, 2, 1), activation="untraceable"), Recipe(), {"untraceable": untraceable})
    assert {w.filename for w in caught} == {__file__}
