"""Learners of ``accuracy``: libraries with their defaults, each given a data frame as its documentation recommends.

A maker is a function of (task, seed, threads, **options) that returns a Learner; its libraries are imported in the
process of the learner alone. Options are those of the library's own class.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from benchmarks.accuracy_data import NUMBER


class Learner(Protocol):
    """X: a data frame of numbers and categories with gaps. y: 0, 1, .. for classes, or numbers."""

    def fit(self, X: Any, y: Any) -> None: ...

    def predict(self, X: Any) -> Any:
        """Probabilities (m, K) of the classes, or numbers (m,)."""
        ...


@dataclass(frozen=True)
class Kind:
    """package: whose version the results belong to. is_slow: takes part where a data set is for slow rivals too."""

    make: Callable[..., Learner]
    package: str
    is_slow: bool = False


@dataclass(frozen=True)
class Entry:
    """A learner as asked for: its name in the table, and options of its own. ``text``: both as they were written."""

    text: str
    kind: Kind
    options: dict[str, Any]


def entry(text: str) -> Entry:
    """A name, then options: "CatBoost:depth=8:iterations=200". Values are JSON, or else words.

    >>> entry("CatBoost:depth=8:loss_function=RMSE").options
    {'depth': 8, 'loss_function': 'RMSE'}
    """
    name, *options = text.split(":")
    if name not in LEARNERS:
        raise ValueError(f"{name!r} is no learner. Learners: {', '.join(LEARNERS)}")
    if wrong := [option for option in options if "=" not in option]:
        raise ValueError(f"option {wrong[0]!r} of {name}: NAME=VALUE is expected")
    return Entry(text, LEARNERS[name], {key: _value(value) for key, _, value in (o.partition("=") for o in options)})


def present_version(package: str) -> str | None:
    """Of an installed package, or None; chainrule's is the commit of its source, marked if the source has changed."""
    try:
        found = version(package)
    except PackageNotFoundError:
        return None
    return _source_version(found) if package == "chainrule" else found


def _source_version(release: str) -> str:
    found = find_spec("chainrule")
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=source, capture_output=True, text=True).stdout.strip()

    commit, is_changed = git("log", "-1", "--format=%h", "--", "."), git("status", "--porcelain", "--", ".")
    return f"{release} {commit}{' changed' if is_changed else ''}".rstrip()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class Estimator:
    """A library of scikit-learn's manner, in two classes, that takes data frames as they are."""

    def __init__(self, task: str, module: str, classifier: str, regressor: str, **options: Any) -> None:
        self.has_classes = task != NUMBER
        self.model = getattr(import_module(module), classifier if self.has_classes else regressor)(**options)

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(X, y)

    def predict(self, X: Any) -> Any:
        return self.model.predict_proba(X) if self.has_classes else self.model.predict(X)


class CatBoost(Estimator):
    """Categories must be text, a missing one too."""

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(_missing_as_text(X), y, cat_features=_categories(X))

    def predict(self, X: Any) -> Any:
        return super().predict(_missing_as_text(X))


class Pytabkit(Estimator):
    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(X, y, cat_col_names=_categories(X))


class Numeric(Estimator):
    """A library that takes numbers alone, after what its users write.

    Categories one-hot, a missing one as one more; gaps among numbers filled with the median and marked; ``scaled``:
    numbers and numeric targets standardised.
    """

    def __init__(self, task: str, *names: str, scaled: bool, **options: Any) -> None:
        super().__init__(task, *names, **options)
        self.scaled = scaled

    def fit(self, X: Any, y: Any) -> None:
        from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        steps = [SimpleImputer(strategy="median", add_indicator=True), *([StandardScaler()] if self.scaled else [])]
        categories = _categories(X)
        inputs = ColumnTransformer(
            [("categories", OneHotEncoder(handle_unknown="ignore"), categories)], remainder=make_pipeline(*steps)
        )
        model = self.model
        if self.scaled and not self.has_classes:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        self.model = make_pipeline(inputs, model).fit(X, y)


class OneNetwork:
    """``chainrule.train`` on a table, no row held back for its own report."""

    TARGET = "the target"

    def __init__(self, task: str, **options: Any) -> None:
        self.options = {"task": "regression" if task == NUMBER else "classification", "test_fraction": 0.0} | options
        self.model: Any = None

    def fit(self, X: Any, y: Any) -> None:
        import chainrule

        frame = X.assign(**{self.TARGET: y})
        self.model = chainrule.train(frame, self.TARGET, category=_categories(X), **self.options)

    def predict(self, X: Any) -> Any:
        return self.model.predict(X) if self.options["task"] == "regression" else self.model.predict_proba(X)


def _categories(X: Any) -> list[str]:
    return [name for name in X if X[name].dtype.name == "category"]


def _missing_as_text(X: Any) -> Any:
    text = {name: X[name].astype(object).where(X[name].notna(), "missing") for name in _categories(X)}
    return X.assign(**text)


def _catboost(task: str, seed: int, threads: int, **options: Any) -> Learner:
    fixed = {"random_seed": seed, "thread_count": threads, "verbose": False, "allow_writing_files": False}
    return CatBoost(task, "catboost", "CatBoostClassifier", "CatBoostRegressor", **fixed | options)


def _lightgbm(task: str, seed: int, threads: int, **options: Any) -> Learner:
    fixed = {"random_state": seed, "n_jobs": threads, "verbose": -1}
    return Estimator(task, "lightgbm", "LGBMClassifier", "LGBMRegressor", **fixed | options)


def _xgboost(task: str, seed: int, threads: int, **options: Any) -> Learner:
    fixed = {"random_state": seed, "n_jobs": threads, "enable_categorical": True}
    return Estimator(task, "xgboost", "XGBClassifier", "XGBRegressor", **fixed | options)


def _hist(task: str, seed: int, threads: int, **options: Any) -> Learner:
    names = ("sklearn.ensemble", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
    return Estimator(task, *names, **{"random_state": seed} | options)


def _forest(task: str, seed: int, threads: int, **options: Any) -> Learner:
    names = ("sklearn.ensemble", "RandomForestClassifier", "RandomForestRegressor")
    return Numeric(task, *names, scaled=False, **{"random_state": seed, "n_jobs": threads} | options)


def _mlp(task: str, seed: int, threads: int, **options: Any) -> Learner:
    names = ("sklearn.neural_network", "MLPClassifier", "MLPRegressor")
    return Numeric(task, *names, scaled=True, **{"random_state": seed} | options)


def _one_network(task: str, seed: int, threads: int, **options: Any) -> Learner:
    return OneNetwork(task, seed=seed, threads=threads, **options)


def _tabular(task: str, seed: int, threads: int, **options: Any) -> Learner:
    fixed = {"random_state": seed, "threads": threads}
    return Estimator(task, "chainrule", "TabularClassifier", "TabularRegressor", **fixed | options)


def _realmlp(task: str, seed: int, threads: int, **options: Any) -> Learner:
    fixed = {"random_state": seed, "n_threads": threads, "device": "cpu"}
    return Pytabkit(task, "pytabkit", "RealMLP_TD_Classifier", "RealMLP_TD_Regressor", **fixed | options)


def _tabm(task: str, seed: int, threads: int, **options: Any) -> Learner:
    """tabm-mini with piecewise-linear embeddings and the rest of what TabArena calls TabM's defaults."""
    fixed = {"random_state": seed, "n_threads": threads, "device": "cpu"}
    inputs = {"num_emb_type": "pwl", "num_emb_n_bins": 48, "d_embedding": 16}
    form = {"arch_type": "tabm-mini", "n_blocks": 2, "d_block": 512, "dropout": 0.1} | inputs
    steps = {"lr": 2e-3, "weight_decay": 3e-4, "gradient_clipping_norm": 1.0, "patience": 16}
    steps |= {"share_training_batches": False}
    return Pytabkit(task, "pytabkit", "TabM_D_Classifier", "TabM_D_Regressor", **fixed | form | steps | options)


# By name. In estimators and their like ``seed`` is the seed of the split.
LEARNERS = {
    "CatBoost": Kind(_catboost, "catboost"),
    "LightGBM": Kind(_lightgbm, "lightgbm"),
    "XGBoost": Kind(_xgboost, "xgboost"),
    "HistGradientBoosting": Kind(_hist, "scikit-learn"),
    "RandomForest": Kind(_forest, "scikit-learn"),
    "MLP": Kind(_mlp, "scikit-learn"),
    "one network": Kind(_one_network, "chainrule"),
    "Tabular": Kind(_tabular, "chainrule"),
    "RealMLP-TD": Kind(_realmlp, "pytabkit", is_slow=True),
    "TabM": Kind(_tabm, "pytabkit", is_slow=True),
}
