"""Whatever explains a network knows its input layers: every row of INPUTS, with parameters drawn at random."""

import numpy as np
import pytest

from chainrule.propagation import Propagation
from tests.input_layers import CASES, drawn, expected_A_0, network


@pytest.mark.parametrize("name", CASES)
def test_the_pass_begins_with_what_the_equations_give_number_by_number(name):
    of = network(name)
    theta, X, codes, _ = drawn(of)
    A = Propagation(of).forward(theta, X.T, None if codes is None else codes.T)[1]
    np.testing.assert_allclose(A[0], expected_A_0(of, theta, X, codes), rtol=1e-12, atol=1e-14)
