"""`chainrule explain`, `check` and `diagnose`."""

import re

import pytest


@pytest.fixture
def penguins(run, examples):
    """A table, and p.model of it."""
    table = examples / "penguins.csv"
    run("train", table, "--target", "species", "--hidden", "4,3", "--epochs", 30, "--out", "p.model", "--quiet")
    return table


def test_check_says_ok_for_each_array_and_in_all(run, penguins):
    ran = run("check", "p.model", penguins)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["W[1]", "b[1]", "W[2]", "b[2]", "W[3]", "b[3]"]
    assert all(line.endswith("ok") for line in lines)


def test_check_of_some_rows(run, penguins):
    assert run("check", "p.model", penguins, "--rows", "300:305").code == 0
    behind = run("check", "p.model", penguins, "--rows", "344:350")
    assert (behind.code, behind.err) == (
        2,
        "chainrule: --rows 344:350 is beyond the end of the table: its rows are 0 to 343.\n",
    )
    for wrong in ("x", "3:3", "-1:2", "5:"):
        ran = run("check", "p.model", penguins, f"--rows={wrong}")
        assert ran.code == 2
        assert f"expected rows such as 0:8, counted from 0, not '{wrong}'" in ran.err


def test_diagnose_names_what_stands_out(run, penguins, write):
    ran = run("diagnose", "p.model", penguins)
    assert ran.code == 0
    assert "ooked for and not found" in ran.out
    write("t.csv", {"x": [float(i % 7) for i in range(60)], "y": [float(i % 7) * 2 for i in range(60)]})
    run("train", "t.csv", "--target", "y", "--learning-rate", "1e-6", "--epochs", 20, "--quiet")
    ran = run("diagnose", "t.model", "t.csv")
    assert re.search(r"learning rate too low", ran.out)


def test_explain_writes_a_page(run, penguins, tmp_path):
    ran = run("explain", "p.model", penguins, "--rows", "0:4", "--out", "page.html")
    assert (ran.code, ran.out) == (0, "Page     page.html: open it in a browser\n")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    again = run("explain", "p.model", penguins, "--out", "page.html")
    assert again.code == 2
    assert "page.html" in again.err
    assert "--force" in again.err
    assert run("explain", "p.model", penguins, "--out", "page.html", "--force").code == 0


def test_explain_without_a_table_shows_an_average_row(run, penguins, tmp_path):
    ran = run("explain", "p.model")
    assert ran.code == 0
    assert (tmp_path / "p.html").exists()


def test_a_table_that_does_not_fit(run, penguins, write):
    write("other.csv", {"a": [1, 2], "species": ["Adelie", "Gentoo"]})
    for command in ("check", "diagnose", "explain"):
        ran = run(command, "p.model", "other.csv")
        assert ran.code == 2
        assert "column" in ran.err
