"""The example tables are what examples/README.md says."""

import pytest

from chainrule.data import Encoder, Target, infer_schema, read_table

EXAMPLES = [
    ("penguins", "species", (344, 8), ("Adelie", "Chinstrap", "Gentoo"), []),
    ("auto_mpg", "mpg", (406, 9), (), ["name"]),
    ("breast_cancer", "diagnosis", (569, 31), ("benign", "malignant"), []),
]


@pytest.mark.parametrize(("name", "target", "shape", "classes", "left_out"), EXAMPLES)
def test_examples(request, name, target, shape, classes, left_out):
    folder = request.config.rootpath / "examples"
    table = read_table(folder / f"{name}.csv")
    assert table.shape == shape
    assert Target.infer(table[target], target).classes == classes
    schema = infer_schema(table, keep_out={target: "the target"})
    assert [c.name for c in schema.left_out if c.name != target] == left_out
    assert len(Encoder.fit(table, schema, range(table.num_rows)).columns) == shape[1] - 1 - len(left_out)
    assert f"| `{name}.csv` | {shape[0]} | {shape[1]} | `{target}` |" in (folder / "README.md").read_text()


def test_model_years_of_the_cars(request):
    years = read_table(request.config.rootpath / "examples" / "auto_mpg.csv")["model_year"].to_pylist()
    assert years == sorted(years)
    assert set(years) == set(range(1970, 1983))
