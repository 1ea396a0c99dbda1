"""Mistakes switched on: each shows the symptom that it states, and is gone outside its ``with``."""

import inspect
import threading
from contextlib import nullcontext

import numpy as np
import pytest

from chainrule import notes
from chainrule.errors import RequestError
from chainrule.notes import MISTAKES, L_layer_model, deep_hidden_dz, mistake, predict, two_layer_model
from tests.notes.errata_proofs.problem import differences

random = np.random.default_rng(1)
M = 40
X = random.standard_normal((2, M))
Y = (X[:1] * X[1:] > 0).astype(float)
DIMS = (2, 5, 4, 1)
LOG_2 = np.log(2.0)


def start(dims=DIMS):
    parameters = notes.initialize_parameters_deep(dims, initialization="1/sqrt(n)", rng=3)
    rng = np.random.default_rng(4)
    return {k: v if k[0] == "W" else 0.1 * rng.standard_normal(v.shape) for k, v in parameters.items()}


def gradient(parameters, X=X, Y=Y):
    AL, caches = notes.L_model_forward(X, parameters)
    return notes.L_model_backward(AL, Y, caches)


def true_gradient(parameters, X=X, Y=Y):
    """Central differences of the reported cost, {"dW1": ...}; to be asked for outside any mistake."""
    flat = differences(lambda v: notes.compute_cost(notes.L_model_forward(X, v)[0], Y), parameters)
    ends = np.cumsum([v.size for v in parameters.values()])[:-1]
    parts = zip(parameters.items(), np.split(flat, ends), strict=True)
    return {f"d{name}": part.reshape(v.shape) for (name, v), part in parts}


TRUE = true_gradient(start())


def errors(name, parameters=None, true=TRUE, X=X, Y=Y):
    """Relative error of each dW, db with the mistake."""
    with mistake(name):
        found = gradient(parameters or start(), X, Y)
    return {k: np.linalg.norm(found[k] - true[k]) / np.linalg.norm(true[k]) for k in true}


def costs(name=None, iterations=601, learning_rate=0.5, dims=DIMS, **options):
    options = {"initialization": "1/sqrt(n)", "rng": 3} | options

    def train():
        return L_layer_model(X, Y, dims, learning_rate, iterations, **options)

    if name is None:
        return train()
    with mistake(name):
        return train()


RIGHT_PARAMETERS, RIGHT = costs()


def test_without_a_mistake_gradient_and_training_are_right():
    found = gradient(start())
    assert all(np.allclose(found[k], TRUE[k], rtol=1e-6, atol=1e-9) for k in TRUE)
    assert RIGHT[0] > 0.6
    assert RIGHT[-1] < 0.02


def hidden_layers_wrong_and_cost_stuck(name):
    found = errors(name)
    assert max(found["dW3"], found["db3"]) < 1e-6
    assert min(found[k] for k in found if k[2] != "3") > 0.3
    _, J = costs(name)
    assert min(J) < J[0]
    assert J[-1] > 10 * RIGHT[-1]


def output_slope_left_out(name):
    assert min(errors(name).values()) > 1.0
    assert max(costs(name)[1]) > 100.0


def slope_twice(name):
    assert min(errors(name).values()) > 0.7
    with mistake(name):
        found = gradient(start())
    assert np.linalg.norm(found["dW3"]) < np.linalg.norm(TRUE["dW3"]) / 4
    _, J = costs(name)
    assert 5 * RIGHT[-1] < J[-1] < J[0] / 2


def m_times_too_large(name):
    assert list(errors(name).values()) == pytest.approx([M - 1] * 6, rel=1e-6)
    assert min(costs(name)[1][1:]) > 1.0
    _, slowly = costs(name, learning_rate=0.5 / M)
    assert slowly == pytest.approx(RIGHT, rel=1e-6)


def db_m_times_too_large(name):
    found = errors(name)
    assert [found[f"db{l}"] for l in (1, 2, 3)] == pytest.approx([M - 1] * 3, rel=1e-6)
    assert max(found[f"dW{l}"] for l in (1, 2, 3)) < 1e-6
    _, J = costs(name)
    assert J[1] > J[0]


def m_times_too_small(name):
    assert list(errors(name).values()) == pytest.approx([1 - 1 / M] * 6, rel=1e-6)
    _, J = costs(name)
    assert RIGHT[-1] < 0.1 < J[-1] < J[0]
    _, quickly = costs(name, learning_rate=0.5 * M)
    assert quickly == pytest.approx(RIGHT, rel=1e-6)


def shapes_object_unless_square(name):
    with pytest.raises(ValueError, match="mismatch"):
        costs(name)
    dims, rng = (3, 3, 3, 3), np.random.default_rng(5)
    X3, Y3 = rng.standard_normal((3, 20)), (rng.standard_normal((3, 20)) > 0).astype(float)
    true = true_gradient(start(dims), X3, Y3)
    found = errors(name, start(dims), true, X3, Y3)
    assert max(found["dW3"], found["db3"]) < 1e-6
    assert min(found[k] for k in found if k[2] != "3") > 0.1
    with mistake(name):
        L_layer_model(X3, Y3, dims, 0.1, 10)  # runs


def a_column_for_each_example(name):
    with mistake(name):
        assert gradient(start())["db1"].shape == (5, M)
    with pytest.raises(RequestError, match=r"layer 1: b is \(5, 40\)"):
        costs(name)


def biases_together(name):
    found = errors(name)
    assert max(found[k] for k in ("dW1", "dW2", "dW3", "db3")) < 1e-6
    assert min(found["db1"], found["db2"]) > 0.3
    parameters, J = costs(name)
    assert J[-1] < J[0] / 2
    assert np.ptp(parameters["b1"]) == 0.0 != parameters["b1"][0, 0]


def sign_of_gradient(name):
    assert list(errors(name).values()) == pytest.approx([2.0] * 6, rel=1e-6)
    rises(name)


def rises(name):
    _, J = costs(name, learning_rate=0.01, iterations=301)
    assert sorted(J) == J
    assert J[-1] > J[0] + 0.01


def gradient_right_cost_rises(name):
    with pytest.warns(UserWarning, match="changed nothing"):
        assert max(errors(name).values()) < 1e-6
    rises(name)


def biases_stay_0(name):
    with pytest.warns(UserWarning, match="changed nothing"):
        assert max(errors(name).values()) < 1e-6
    parameters, J = costs(name)
    assert all((parameters[f"b{l}"] == 0.0).all() for l in (1, 2, 3))
    assert 5 * RIGHT[-1] < J[-1] < J[0] / 2


def start_is_overwritten(name):
    _, J = costs(name)
    assert J == RIGHT
    begun = start()
    kept = begun["W1"].copy()
    notes.update_parameters(begun, gradient(begun), 0.5)
    assert (begun["W1"] == kept).all()
    with mistake(name):
        updated = notes.update_parameters(begun, gradient(begun), 0.5)
    assert updated is begun
    assert (begun["W1"] != kept).any()


def units_stay_equal(name):
    parameters, J = costs(name)
    assert np.ptp(parameters["W1"], axis=0).max() == 0.0
    assert [k for k, v in parameters.items() if v.any()] == ["b3"]
    assert abs(J[-1] - LOG_2) < 0.01
    with mistake(name):
        hidden, _ = two_layer_model(X, Y, (2, 4, 1), 0.5, 50, hidden_activation="sigmoid")
    assert hidden["W1"].any()
    assert len(np.unique(hidden["W1"], axis=0)) == 1


def signal_vanishes(name):
    deep = {"iterations": 2001, "dims": (2, 20, 7, 5, 1)}
    _, J = costs(name, **deep)
    assert max(abs(J_i - LOG_2) for J_i in J) < 0.01
    assert min(costs(**deep)[1]) < 0.1
    with mistake(name):
        parameters = notes.initialize_parameters_deep((100,) * 6, initialization="he", rng=0)
    _, caches = notes.L_model_forward(np.random.default_rng(0).standard_normal((100, 50)), parameters)
    sizes = [np.sqrt(np.mean(A_prev**2)) for (A_prev, _, _), _ in caches]
    shrinking = np.divide(sizes[1:], sizes[:-1])
    assert ((shrinking > 0.05) & (shrinking < 0.2)).all()  # 0.01 sqrt(100), less what relu cuts off


def one_layer_short(name):
    with pytest.raises(RequestError, match=r"AL is \(4, 40\)"):
        costs(name)
    with mistake(name):
        parameters, _ = L_layer_model(X, Y, (2, 3, 1, 1), 0.5, 10)
    assert sorted(parameters) == ["W1", "W2", "b1", "b2"]


def cost_falls_for_the_wrong_reason(name):
    parameters, J = costs(name)
    assert all(np.array_equal(parameters[k], RIGHT_PARAMETERS[k]) for k in parameters)
    assert J[0] < 0.0
    assert J[3] < J[0] - 1.0


def nan_when_sure(name):
    parameters, J = costs(name, iterations=1001)
    assert not np.isfinite(J[-1])
    finite = [J_i for J_i in J if np.isfinite(J_i)]
    assert finite == pytest.approx(costs(iterations=1001)[1][: len(finite)], rel=1e-12)
    assert all(np.isfinite(v).all() for v in parameters.values())
    assert (predict(X, None, parameters) == Y).mean() > 0.9


def nan_above_709(name):
    assert costs(name)[1] == pytest.approx(RIGHT, rel=1e-9)
    with mistake(name), np.errstate(all="ignore"):
        A, _ = notes.sigmoid(np.array([[700.0, 710.0]]))
    assert A[0, 0] == 1.0
    assert np.isnan(A[0, 1])


BLOCKS = {
    "g-for-g-prime": hidden_layers_wrong_and_cost_stuck,
    "g-for-g-prime-at-the-output": output_slope_left_out,
    "relu-slope-is-dA": hidden_layers_wrong_and_cost_stuck,
    "sigmoid-slope-twice": slope_twice,
    "missing-1/m": m_times_too_large,
    "missing-1/m-in-db": db_m_times_too_large,
    "1/m-twice": m_times_too_small,
    "transpose-lost": shapes_object_unless_square,
    "sum-over-examples-missing": a_column_for_each_example,
    "db-summed-over-units": biases_together,
    "sign-lost": sign_of_gradient,
    "ascent": gradient_right_cost_rises,
    "bias-not-updated": biases_stay_0,
    "update-in-place": start_is_overwritten,
    "zeros-for-weights": units_stay_equal,
    "small-weights": signal_vanishes,
    "last-layer-not-created": one_layer_short,
    "cost-bracket-misplaced": cost_falls_for_the_wrong_reason,
    "log-of-0": nan_when_sure,
    "overflowing-sigmoid": nan_above_709,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_symptom_in_the_building_blocks(name):
    BLOCKS[name](name)
    assert all(np.allclose(gradient(start())[k], TRUE[k], rtol=1e-6, atol=1e-9) for k in TRUE)
    assert costs(iterations=101)[1] == RIGHT[:2]


TARGETS = (X[:1] > 0.3).astype(float)
w0, b0 = np.zeros((2, 1)), 0.0


def logistic(name=None, iterations=300):
    if name is None:
        return notes.logistic_descent(X, TARGETS, 1.0, iterations)
    with mistake(name):
        return notes.logistic_descent(X, TARGETS, 1.0, iterations)


def true_J(w, b):
    return notes.logistic_vectorized(w, b, X, TARGETS)[2]


def z_for_a(name):
    w, b, J = logistic(name)
    assert min(J) < J[0]
    assert true_J(w, b) > 2 * logistic()[2][-1]


def first_target(name):
    at = {"w": np.array([[0.5], [-1.0]]), "b": np.array([0.2])}
    with mistake(name):
        dw, db, _ = notes.logistic_vectorized(at["w"], 0.2, X, TARGETS)
        checked = differences(lambda v: notes.logistic_vectorized(v["w"], v["b"][0], X, TARGETS)[2], at)
    np.testing.assert_allclose(np.append(dw, db), checked, rtol=1e-6)
    w, b, J = logistic(name, 2000)
    assert J[-1] < 0.01
    assert set((notes.logistic_forward(w, b, X) > 0.5)[0].tolist()) == {TARGETS[0, 0] == 1.0}


def first_weight_alone(name):
    w, b, J = logistic(name)
    assert (w[1, 0], b) == (0.0, 0.0) != (w[0, 0], b)
    assert logistic()[2][-1] < J[-1] < J[0]


def column_of_targets(name):
    with mistake(name):
        x, y = notes.program_data(20, rng=0)
    assert y.shape == (20, 1)
    with pytest.raises(RequestError, match=r"y is \(20, 1\)"):
        notes.program_vectorized(x, y, *notes.program_start(rng=0))


def by_entries(name):
    x, y = notes.program_data(20, rng=0)
    with mistake(name), pytest.raises(ValueError, match="broadcast"):
        notes.program_vectorized(x, y, *notes.program_start(rng=0))
    true, found = of_Theta1(), of_Theta1(name)
    assert found.shape == true.shape
    assert np.linalg.norm(found - true) > 0.1 * np.linalg.norm(true)


def bracket_of_sum(name):

    a, y = np.array([0.5, 0.99]), np.array([1.0, 0.0])
    right = notes.negative_sum_of_weighted_logs(a, y)
    with mistake(name):
        assert notes.negative_sum_of_weighted_logs(a, y) < 0.0 < right


T_X, T_y = np.random.default_rng(6).standard_normal((3, 2)), np.array([[0.9], [0.2], [0.6]])
T1, T2 = np.random.default_rng(7).standard_normal((2, 3)), np.random.default_rng(8).standard_normal((3, 1))


def of_Theta1(name=None):
    with mistake(name) if name else nullcontext():
        return notes.regression_example(T_X, T_y, T1, T2).dJ_dTheta1


def another_cost(name):
    delta3 = notes.regression_example(T_X, T_y, T1, T2).delta3
    with mistake(name):
        found = notes.regression_example(T_X, T_y, T1, T2).delta3
        *_, J = notes.regression_descent(T_X, T_y, T1, T2, 0.1, 50)
    assert ((found / delta3) >= 4.0).all()
    assert J[-1] < J[0]


THETA = [np.random.default_rng(9).standard_normal(shape) for shape in ((4, 3), (2, 5))]
K_Y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def D(name=None, lam=0.0, by_example=False):
    with mistake(name) if name else nullcontext():
        if by_example:
            return notes.D_from_Delta(notes.Delta_by_example(THETA, T_X, K_Y), THETA, 3, lam)
        return notes.theta_gradient(THETA, T_X, K_Y, lam)


def row_too_many(name):
    with pytest.raises(ValueError, match="broadcast"):
        D(name)


def last_example_alone(name):
    right = D()
    last = notes.theta_gradient(THETA, T_X[2:], K_Y[2:])
    for D_l, last_l, right_l, at_once in zip(D(name, by_example=True), last, right, D(name), strict=True):
        np.testing.assert_allclose(D_l, last_l / 3, rtol=1e-12)
        np.testing.assert_allclose(at_once, right_l, rtol=1e-12)


def bias_penalised(name):
    for D_l, right_l, Theta_l in zip(D(name, 0.5), D(None, 0.5), THETA, strict=True):
        np.testing.assert_allclose(D_l[:, 1:], right_l[:, 1:], rtol=1e-12)
        np.testing.assert_allclose(D_l[:, 0] - right_l[:, 0], 0.5 / 3 * Theta_l[:, 0], rtol=1e-9)
    with mistake(name):
        Theta, J = notes.theta_descent(THETA, T_X, K_Y, 1.0, 1000, 0.5)
    assert J[-1] < J[0]
    assert max(np.abs(D_l).max() for D_l in notes.theta_gradient(Theta, T_X, K_Y, 0.5)) > 0.005


def unpenalised_gradient(name):
    assert all(np.array_equal(D_l, right_l) for D_l, right_l in zip(D(name), D(), strict=True))
    for D_l, right_l in zip(D(name, 0.5), D(None, 0.5), strict=True):
        np.testing.assert_allclose(D_l[:, 0], right_l[:, 0], rtol=1e-12)
        assert (D_l[:, 1:] != right_l[:, 1:]).all()
    with mistake(name):
        _, J = notes.theta_descent(THETA, T_X, K_Y, 1.0, 1000, 0.5)
    assert J[-1] > min(J) + 0.1


def unpenalised_cost(name):
    with mistake(name):
        J = notes.theta_cost(THETA, T_X, K_Y, 0.5)
    assert pytest.approx(notes.theta_cost(THETA, T_X, K_Y)) == J
    assert notes.theta_cost(THETA, T_X, K_Y, 0.5) > J
    right, _ = notes.theta_descent(THETA, T_X, K_Y, 0.5, 20, 0.5)
    with mistake(name):
        found, _ = notes.theta_descent(THETA, T_X, K_Y, 0.5, 20, 0.5)
    assert all(np.array_equal(a, b) for a, b in zip(found, right, strict=True))


OTHERS = {
    "z-for-a": z_for_a,
    "first-target-for-all": first_target,
    "w1-alone-updated": first_weight_alone,
    "targets-in-a-column": column_of_targets,
    "product-by-entries": by_entries,
    "sum-bracket-lost": bracket_of_sum,
    "delta-of-another-cost": another_cost,
    "bias-row-kept": row_too_many,
    "accumulator-overwritten": last_example_alone,
    "lambda-on-bias": bias_penalised,
    "lambda-not-in-gradient": unpenalised_gradient,
    "lambda-not-in-cost": unpenalised_cost,
}


@pytest.mark.parametrize("name", OTHERS)
def test_symptom_in_the_other_documents(name):
    OTHERS[name](name)


def test_every_mistake_has_its_texts_and_its_symptom_tested():
    assert set(MISTAKES) == {*BLOCKS, *OTHERS}
    assert all(m.what.endswith(".") and m.symptom.endswith((".", ")")) and m.forms for m in MISTAKES.values())


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name in sorted(MISTAKES) for form in MISTAKES[name].forms.items()]
)
def test_a_form_replaces_a_switchable_function_and_takes_its_arguments(name, form):
    replaced = getattr(notes, form[0], None)
    assert hasattr(replaced, "__wrapped__"), f"{name}: no switchable function is called {form[0]}"
    wanted = inspect.signature(inspect.unwrap(replaced)).parameters.values()
    taken = inspect.signature(form[1]).parameters
    positional = [p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in taken.values() if p.kind is p.POSITIONAL_OR_KEYWORD] == positional
    if any(p.kind is p.KEYWORD_ONLY for p in wanted):
        assert any(p.kind is p.VAR_KEYWORD for p in taken.values())


@pytest.mark.parametrize("name", sorted({n for n in MISTAKES if "transpose-lost" in n or n == "sign-lost"}))
def test_forms_of_several_documents_act_together(name):
    a, y = np.array([[0.25]]), np.array([[1.0]])
    with mistake(name):
        if name == "sign-lost":
            assert notes.logistic_dZ(a, y).tolist() == [[0.75]]
            assert notes.delta_L(a, y).tolist() == [[0.75]]
        else:
            W, dz = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [0.0]])
            assert deep_hidden_dz(W, dz, np.ones((2, 1)), "relu").tolist() == [[1.0], [3.0]]


@pytest.mark.parametrize("name", ["missing-1/m", "ascent", "zeros-for-weights", "g-for-g-prime", "overflowing-sigmoid"])
def test_every_option_of_the_models_works_under_a_mistake(name):
    options = {"momentum": 0.9, "mini_batch_size": 16, "lambd": 0.1, "rng": 0, "hidden_activation": "relu"}
    with mistake(name):
        for initialization in notes.INITIALIZATIONS:
            _, J = L_layer_model(X, Y, DIMS, 1e-3, 5, initialization=initialization, **options)
            two_layer_model(X, Y, (2, 4, 1), 1e-3, 5, initialization=initialization, **options)
            assert np.isfinite(J).all()


def test_another_thread_does_not_make_the_mistake():
    seen = []
    with mistake("ascent") as on:
        thread = threading.Thread(target=lambda: seen.append(costs(iterations=101)[1]))
        thread.start()
        thread.join()
        here = costs(iterations=101)[1]
        assert on.name == "ascent"
    assert seen == [RIGHT[:2]]
    assert here != RIGHT[:2]


def test_an_inner_mistake_replaces_the_outer_one_until_it_ends():
    dA, Z = np.array([[1.0, 1.0]]), np.array([[2.0, -3.0]])
    with mistake("relu-slope-is-dA"):
        with mistake("g-for-g-prime"):
            assert notes.relu_backward(dA, Z).tolist() == [[2.0, 0.0]]
        with pytest.warns(UserWarning, match="'ascent' has changed nothing"), mistake("ascent"):
            assert notes.relu_backward(dA, Z).tolist() == [[1.0, 0.0]]
        assert notes.relu_backward(dA, Z).tolist() == [[1.0, 1.0]]
    assert notes.relu_backward(dA, Z).tolist() == [[1.0, 0.0]]


def test_a_mistake_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), mistake("relu-slope-is-dA"):
        raise ZeroDivisionError
    assert notes.relu_backward(np.array([[1.0]]), np.array([[-3.0]])).tolist() == [[0.0]]


def test_an_unknown_mistake_is_refused_with_the_nearest_name():
    with pytest.raises(RequestError, match="did you mean 'g-for-g-prime'"), mistake("g-for-gprime"):
        pass


def test_g_for_g_prime_is_made_with_every_hidden_activation():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, 20)), rng.integers(0, 2, (1, 20))
    parameters = notes.initialize_parameters_deep((3, 4, 1), initialization="he", rng=1)
    AL, caches = notes.L_model_forward(X, parameters, hidden_activation="tanh")
    right = notes.L_model_backward(AL, Y, caches, hidden_activation="tanh")
    with mistake("g-for-g-prime"):
        wrong = notes.L_model_backward(AL, Y, caches, hidden_activation="tanh")
    np.testing.assert_array_equal(wrong["dW2"], right["dW2"])
    assert np.linalg.norm(wrong["dW1"] - right["dW1"]) > 0.3 * np.linalg.norm(right["dW1"])
