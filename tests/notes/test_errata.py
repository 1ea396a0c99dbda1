"""The errata: what is claimed of the printed forms is seen when they are run, and the corrections are right."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import CONVENTIONS, DOCUMENTS, ERRATA, MISTAKES, errata_markdown, erratum, find_errata
from tests.notes.errata_proofs import (
    basics_proofs,
    building_blocks_proofs,
    logistic_proofs,
    multi_layer_proofs,
    theta_proofs,
)
from tests.notes.errata_proofs.problem import differences
from tests.notes.errata_proofs.proof import Proof

PAGE = Path(__file__).parents[2] / "docs" / "errata.md"
PROOFS: dict[str, Proof] = {
    **multi_layer_proofs.PROOFS,
    **building_blocks_proofs.PROOFS,
    **basics_proofs.PROOFS,
    **logistic_proofs.PROOFS,
    **theta_proofs.PROOFS,
}


@pytest.mark.parametrize("id", PROOFS)
def test_the_printed_form_fails_as_stated_and_the_correct_one_passes(id):
    proof = PROOFS[id]
    printed, correct = proof.outcome(proof.printed), proof.outcome(proof.correct)
    assert proof.printed_fails(), printed
    assert correct.failure == "", correct
    assert correct.relative_error < proof.within


@pytest.mark.parametrize("id", PROOFS)
def test_what_is_said_to_be_measured_is_measured(id):
    assert erratum(id).measured == f"{PROOFS[id].quantity}: {PROOFS[id].measured()}"


def test_what_is_said_to_be_measured_has_its_proof():
    assert [entry.id for entry in ERRATA if entry.measured] == list(PROOFS)


def test_the_correct_forms_are_right_to_1e_7():
    wider = {id for id, proof in PROOFS.items() if proof.within > 1e-7}
    assert wider == {"building-blocks-13"}  # the size of a random signal


@pytest.mark.parametrize("entry", find_errata(severity="A"), ids=lambda entry: entry.id)
def test_every_severe_erratum_is_proven(entry):
    assert entry.id in PROOFS


def test_the_page_is_made_from_the_data():
    assert PAGE.read_text(encoding="utf-8") == errata_markdown(), "python -m chainrule.notes.errata > docs/errata.md"


def test_every_erratum_is_a_row_of_the_page():
    rows = [line for line in errata_markdown().splitlines() if line.startswith("| <a id=")]
    assert [row.split('"')[1] for row in rows] == [entry.id for entry in ERRATA]
    unescaped = [row.replace(r"\|", "").count("|") for row in rows]
    assert set(unescaped) == {8}


def test_ids_count_through_each_document():
    prefixes = dict(zip(DOCUMENTS, ("multi-layer", "building-blocks", "basics", "logistic", "theta"), strict=True))
    for document in DOCUMENTS:
        ids = [entry.id for entry in find_errata(document)]
        assert ids == [f"{prefixes[document]}-{number}" for number in range(1, len(ids) + 1)]


def test_quotes_tell_the_places_of_a_document_apart():
    for document in DOCUMENTS:
        quotes = [entry.quote for entry in find_errata(document)]
        assert [quote for quote, count in Counter(quotes).items() if count > 1] == []
        assert all(0 < len(quote) <= 120 for quote in quotes)


def test_the_documents_are_those_of_the_conventions():
    assert set(DOCUMENTS) == {title.removesuffix(", first half") for title in CONVENTIONS}


def test_named_mistakes_exist():
    assert {entry.mistake for entry in ERRATA} - {None} <= set(MISTAKES)


def test_filters():
    slips = {entry for entry in ERRATA if entry.id.startswith("theta-") and entry.severity == "C"}
    assert set(find_errata("Theta notation", "C")) == slips
    assert find_errata() == ERRATA
    assert erratum("theta-14").mistake == "sign-lost"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: find_errata("Building bricks"), "did you mean 'Building blocks'"),
        (lambda: find_errata(severity="D"), "There are: A, B, C"),
        (lambda: erratum("theta-0"), "no erratum is called 'theta-0'"),
    ],
)
def test_unknown_names_are_refused(ask, message):
    with pytest.raises(RequestError, match=message):
        ask()


WRONG = {
    "an exception that was not announced": Proof("", lambda: 1 / 0, lambda: 1.0, lambda: 1.0, fails=ValueError),
    "another message": Proof("", lambda: 1 / 0, lambda: 1.0, lambda: 1.0, fails=ZeroDivisionError, message="modulo"),
    "a printed form that is right": Proof("", lambda: 1.0, lambda: 1.0, lambda: 1.0, fails=0.1),
    "too small an error": Proof("", lambda: 1.05, lambda: 1.0, lambda: 1.0, fails=0.1),
    "a shape that is right": Proof("", lambda: [2.0], lambda: [1.0], lambda: [1.0], fails="shape"),
    "finite numbers": Proof("", lambda: 2.0, lambda: 1.0, lambda: 1.0, fails="not finite"),
}


@pytest.mark.parametrize("proof", WRONG.values(), ids=WRONG)
def test_a_proof_can_fail(proof):
    assert proof.correct_passes()
    assert not proof.printed_fails()


@pytest.mark.parametrize("correct", [lambda: 1.001, lambda: [1.0], lambda: np.nan, lambda: 1 / 0])
def test_a_correction_can_fail(correct):
    assert not Proof("", lambda: 2.0, correct, lambda: 1.0, fails=0.1).correct_passes()


def test_differences_are_a_gradient_and_leave_the_point_alone():
    at = {"W1": np.array([[1.0, 2.0], [3.0, 4.0]]), "b1": np.array([[5.0]])}
    before = {name: value.copy() for name, value in at.items()}
    found = differences(lambda v: np.sum(v["W1"] ** 2) + 7.0 * v["b1"][0, 0], at)
    np.testing.assert_allclose(found, [2.0, 4.0, 6.0, 8.0, 7.0], rtol=1e-8)
    assert all((at[name] == before[name]).all() for name in at)


def test_the_page_s_example_prints_what_it_says(capsys):
    program = re.search(r"```python\n(.*?)```", errata_markdown(), re.DOTALL).group(1)
    exec(compile(program, "docs/errata.md", "exec"), {})
    assert capsys.readouterr().out.split() == ["0.0", "0.69"]
