"""scikit-learn's own tests of its MLP, as installed, with chainrule's classes in the place of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

# Tests that reach into private attributes of scikit-learn's implementation, and what they ask for.
PRIVATE = {
    "test_gradient": "_loss_grad_lbfgs",
    "test_learning_rate_warmstart": "_optimizer.learning_rate",
    "test_adaptive_learning_rate": "_optimizer.learning_rate",
}


def run(*options):
    command = [sys.executable, "-m", "pytest", "--pyargs", "sklearn.neural_network.tests.test_mlp", "-q", "-n0"]
    plugin = ["-p", "tests.estimators.in_their_place", "-p", "no:cacheprovider", "-c", os.devnull, "-rf"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}
    done = subprocess.run([*command, *plugin, *options], capture_output=True, text=True, env=environment, check=False)
    return done.stdout


def test_every_test_of_public_behaviour_passes():
    private = " or ".join(PRIVATE)
    out = run("-k", f"not ({private})")
    assert re.search(r"\d{2,} passed", out), out
    assert not re.search(r"\d+ (failed|error|skipped|xfailed)", out), out


def test_the_others_fail_for_want_of_the_private_attribute_alone():
    out = run("-k", " or ".join(PRIVATE))
    for name, attribute in PRIVATE.items():
        assert re.search(rf"FAILED .*{name}\b.* - AttributeError: .*{attribute.split('.')[0]}", out), (name, out)
