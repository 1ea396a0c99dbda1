"""The C file: it compiles without a warning, answers as the model does, and nothing in a model becomes code."""

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from itertools import cycle

import numpy as np
import pyarrow as pa
import pytest

from chainrule import RequestError
from chainrule.data.category_features import CategoryFeatures
from chainrule.data.columns import booleans, dates, numbers, texts
from chainrule.export import export
from chainrule.export.c_file import content
from chainrule.export.c_names import RESERVED, comment, literal, real
from tests.export import models
from tests.export.models import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    BOTH,
    KINDS,
    NAMES,
    OPERATIONS,
    OWN,
    SPECIAL,
    STRANGE,
    TABLE,
)

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic")
UNTOUCHED = -7.0
READERS = {"number": numbers, "boolean": booleans, "date": dates, "category": texts}


def cc(*arguments):
    done = subprocess.run(["cc", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Compiled:
    """Models in one library, each under a target name of its own; called row by row."""

    def __init__(self, given, folder, *flags):
        self.models = {name: replace(m, target=replace(m.target, name=f"y{i}")) for i, (name, m) in enumerate(given)}
        files = []
        for model in self.models.values():
            files.append(folder / f"{model.target.name}.c")
            files[-1].write_bytes(content(model))
        cc(*STRICT, *flags, "-fPIC", "-shared", "-o", folder / "models.so", *files, "-lm")
        self.loaded = ctypes.CDLL(str(folder / "models.so"))

    def __call__(self, name, table):
        """Probabilities (m, K) and classes (m,), or numbers (m,)."""
        model = self.models[name]
        K = len(model.target.classes)
        predict = getattr(self.loaded, f"predict_{model.target.name}")
        predict.restype = ctypes.c_int if K else ctypes.c_double
        rows = structures(model, table)
        if not K:
            return np.array([predict(ctypes.byref(row)) for row in rows])
        P = np.full((len(rows), K), UNTOUCHED)
        pointers = [P[i].ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for i in range(len(rows))]
        return P, np.array([predict(ctypes.byref(row), p) for row, p in zip(rows, pointers, strict=True)])

    def classes(self, name):
        model = self.models[name]
        if not model.target.classes:
            return []
        array = ctypes.c_char_p * len(model.target.classes)
        return [text.decode() for text in array.in_dll(self.loaded, f"classes_of_{model.target.name}")]


def structures(model, table):
    """The rows of a table as the file's struct."""
    columns, fields = [], []
    for i, part in enumerate((*model.encoder.parts, *model.encoder.lookups)):
        kind = "category" if isinstance(part, CategoryFeatures) else part.kind
        cells = READERS[kind](pa.array(table[part.column], from_pandas=True), part.column, "is")
        if kind == "category":
            columns.append([None if cell is None else cell.encode() for cell in cells.to_pylist()])
        elif kind == "date":
            columns.append(np.where(np.isnat(cells), np.nan, cells.astype(np.int64) / 86_400e6))
        else:
            columns.append(cells)
        fields.append((f"member_{i}", ctypes.c_char_p if kind == "category" else ctypes.c_double))
    structure = type("Row", (ctypes.Structure,), {"_fields_": fields})
    return [structure(*cells) for cells in zip(*columns, strict=True)]


def assert_same(given, model, table, name=""):
    rtol = 1e-12 if model.network.dtype == "float64" else 1e-5
    if model.target.task == "regression":
        expected = model.predict(table)
        usual = np.abs(expected[: len(TABLE["mass"])]).max()  # the rows far out have a scale of their own
        np.testing.assert_allclose(given, expected, rtol=10 * rtol, atol=rtol * usual, err_msg=name)
    else:
        P, codes = given
        np.testing.assert_allclose(P, model.predict_proba(table), rtol=0, atol=rtol, err_msg=name)
        assert np.array(model.target.labels(codes)).tolist() == model.predict(table).tolist(), name


# A model costs its compiling, so each test compiles many, and no fixture does it once for every process of the suite.


@needs_compiler
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_answers_are_the_models(task, tmp_path):
    chosen = [(kind, m) for kind, m in ((kind, models.model(kind)) for kind in KINDS) if m.target.task == task]
    compiled = Compiled(chosen, tmp_path, "-O2")
    for kind, model in chosen:
        assert_same(compiled(kind, BOTH), model, BOTH, kind)
        assert compiled.classes(kind) == [str(label) for label in model.target.classes]


@needs_compiler
def test_what_spells_a_missing_value_is_missing(tmp_path):
    chosen = [("gaps", models.with_gaps())]
    compiled = Compiled(chosen, tmp_path, "-O2")
    rows = [[np.nan if cell is None else cell for cell in models.GAPS[name]] for name in ("mass", "tame")]
    cells = [*rows, [text.encode() for text in models.GAPS["island"]]]
    kinds = (ctypes.c_double, ctypes.c_double, ctypes.c_char_p)
    row = type("Row", (ctypes.Structure,), {"_fields_": [(f"member_{i}", kind) for i, kind in enumerate(kinds)]})
    predict = getattr(compiled.loaded, f"predict_{compiled.models['gaps'].target.name}")
    predict.restype = ctypes.c_double
    given = np.array([predict(ctypes.byref(row(*each))) for each in zip(*cells, strict=True)])
    assert_same(given, chosen[0][1], models.GAPS)


@needs_compiler
def test_an_answer_that_is_no_number_is_none(tmp_path):
    chosen = [(kind, models.not_finite(kind)) for kind in ("classes", "binary", "regression")]
    compiled = Compiled(chosen, tmp_path, "-O2")
    for kind in ("classes", "binary"):
        P, codes = compiled(kind, TABLE)
        assert (P == UNTOUCHED).all()
        assert (codes == -1).all()
    assert np.isnan(compiled("regression", TABLE)).all()


@needs_compiler
def test_outputs_that_are_all_0_are_shared_out(tmp_path):
    P, codes = Compiled([("silent", models.silent())], tmp_path)("silent", TABLE)
    assert (P == 1 / 3).all()
    assert not codes.any()


# Every activation as the first and as the second hidden layer, every loss at least once: a file costs its compiling.
ACTIVATIONS = [*ALL_ACTIVATIONS, *OWN]
COMBINED = list(zip(cycle(ALL_LOSSES), ACTIVATIONS, [*ACTIVATIONS[1:], ACTIVATIONS[0]], strict=False))


def combined(loss, first, second, dtype):
    return models.with_loss(loss, dtype, (first, second), OWN)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_row_of_the_tables_is_written(dtype, tmp_path):
    compiled = Compiled([(rows, combined(*rows, dtype)) for rows in COMBINED], tmp_path, "-O0")
    for rows in COMBINED:
        assert_same(compiled(rows, BOTH), combined(*rows, dtype), BOTH, ", ".join(rows))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_operation_is_numpys(dtype, tmp_path):
    kind = "float" if dtype == "float32" else "double"
    text = content(models.with_operations(dtype)).decode()
    for l in range(1, len(OPERATIONS) + 1):
        of_one = f"static inline {kind} g{l}(" in text
        body = f"for (int j = 0; j < 6; j++) A[j] = g{l}(Z[j]);" if of_one else f"g{l}(Z, A);"
        text += f"void all_{l}(const {kind} *, {kind} *);\nvoid all_{l}(const {kind} *Z, {kind} *A) {{ {body} }}\n"
    (tmp_path / "g.c").write_text(text)
    cc(*STRICT, "-O1", "-fPIC", "-shared", "-o", tmp_path / "g.so", tmp_path / "g.c", "-lm")
    library = ctypes.CDLL(str(tmp_path / "g.so"))
    for l, name in enumerate(OPERATIONS, 1):
        examples = np.ascontiguousarray(SPECIAL.T.astype(dtype))
        given = np.empty_like(examples)
        for Z, A in zip(examples, given, strict=True):
            getattr(library, f"all_{l}")(ctypes.c_void_p(Z.ctypes.data), ctypes.c_void_p(A.ctypes.data))
        rtol = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(given.T, models.operated(name, dtype), rtol=rtol, err_msg=name)


def test_no_row_of_the_tables_is_left_out():
    losses, first, second = map(set, zip(*COMBINED, strict=True))
    assert losses == set(ALL_LOSSES)
    assert first == second == set(ACTIVATIONS)


@needs_compiler
def test_the_example_in_the_file_compiles_and_answers(tmp_path):
    model = models.strange()
    export(model, tmp_path / "model.c", "c")
    text = (tmp_path / "model.c").read_text()
    example = re.search(r"#define PREDICT.*?#include \"model.c\"(.*?)\*\n \* Every member", text, re.DOTALL)
    body = re.sub(r"^ \*", "", example[1], flags=re.MULTILINE)
    (tmp_path / "main.c").write_text(
        f'#include <stdio.h>\n#define PREDICT_THE_TARGET_DECLARATIONS_ONLY\n#include "model.c"\nint main(void)\n{{\n'
        f'{body}\n    printf("%d %a %a %a\\n", k, probability[0], probability[1], probability[2]);\n    return 0;\n}}\n'
    )
    cc(*STRICT, "-O2", "-o", tmp_path / "main", tmp_path / "main.c", tmp_path / "model.c", "-lm")
    answer = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    cells = re.findall(r"\.\w+ = ([^,}]+)", body)
    table = dict(zip(model.encoder.columns, ([float(cell)] for cell in cells[:-1]), strict=False)) | {"2nd": ['"""*/']}
    P = model.predict_proba(table)[0]
    assert int(answer[0]) == P.argmax()
    np.testing.assert_allclose([float.fromhex(p) for p in answer[1:]], P, atol=1e-5)


@needs_compiler
def test_names_and_texts_that_end_strings_and_comments_stay_what_they_are(tmp_path):
    strange = models.strange()
    nasty = [chr(c) for c in range(1, 0x180)] + [a + b for a in '?*/\\"\n%' for b in '?*/\\"\n%='] + ["??/\n", "\u2028"]
    nasty = tuple(sorted(set(nasty)))
    base = models.model("integers")
    network = replace(base.network, n=(base.network.n[0], len(nasty)))
    many = replace(
        base,
        network=network,
        theta=np.zeros(network.size, np.float32),
        target=replace(base.target, classes=nasty, value_type="text", name="y"),
        outputs=replace(base.outputs, units=len(nasty), prior=(1.0 / len(nasty),) * len(nasty)),
    )
    parts = [replace(base.encoder.parts[0], column=text + "x") for text in nasty if text.strip()]
    names = replace(
        base,
        encoder=replace(base.encoder, parts=tuple(parts)),
        network=replace(network, n=(2 * len(parts), 4)),
        theta=np.zeros(8 * len(parts) + 4, np.float32),
    )
    compiled = Compiled([("strange", strange), ("many", many), ("names", names)], tmp_path, "-O1")
    assert compiled.classes("many") == list(nasty)
    assert_same(compiled("strange", models.strange_rows()), strange, models.strange_rows())
    assert compiled("names", {part.column: [1.0] for part in parts})[1].tolist() == [0]


def test_members_are_identifiers_each_another():
    base = models.model("integers")
    words = [
        *sorted(RESERVED),
        *STRANGE[:2],
        *STRANGE[3:6],
        "a b",
        "a_b",
        "A-B",
        "a" * 80,
        "a" * 80 + "b",
        "größe",
        "1",
        "列",
        "_",
        "__x",
    ]
    parts = tuple(replace(base.encoder.parts[2], column=word) for word in words)
    model = replace(base, encoder=replace(base.encoder, parts=parts))
    model = replace(model, network=replace(base.network, n=(2 * len(parts), 4)))
    model = replace(model, theta=np.zeros(model.network.size, np.float32))
    members = re.findall(r"^    double (\w+);", content(model).decode(), re.MULTILINE)
    assert len(set(members)) == len(words)
    assert not set(members) & RESERVED
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and len(name) <= 63 for name in members)


# What C and C++ keep for themselves, or their headers define: as a member's name each would be a syntax error, or two.
WORDS = re.findall(
    r"\w+",
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool _Complex
    _Imaginary _Generic _Noreturn _Static_assert _Thread_local alignas alignof and and_eq asm bitand bitor bool catch
    char8_t char16_t char32_t class co_await co_return co_yield compl concept const_cast consteval constexpr constinit
    decltype delete dynamic_cast explicit export false final friend import module mutable namespace new noexcept not
    not_eq nullptr operator or or_eq override private protected public reinterpret_cast requires static_assert
    static_cast template this thread_local throw true try typeid typename typeof using virtual wchar_t xor xor_eq
    NULL EOF INFINITY NAN HUGE_VAL M_PI errno math_errhandling complex imaginary I main assert isnan signbit fpclassify
    stdin stdout stderr offsetof strcmp strlen memcpy exp tanh fmax linux unix near far y0 j1 int32_t size_t div time
    __FILE__ __LINE__ __func__ __x _y defined features forward scaled category X A0 W1 row probability
    """,
)
SHAPES = ["_", "__", "1", "2nd", "a b", "a-b", "a_b", "A_B", "größe", "列", "Ω", "a" * 300, "*/", "//", "/*", "??/"]
SHAPES += ["\\", '"', "'", "\n", "\r", "\t", "\x1b[31m", "%s%n", "#define x", "\u202e", "\u2028", "\x7f", "a\\\nb"]
BEFORE = (
    "complex",
    "ctype",
    "errno",
    "float",
    "iso646",
    "limits",
    "math",
    "stdbool",
    "stdio",
    "stdlib",
    "string",
    "time",
)


def with_names(columns, target):
    """A model whose columns are numbers with these names."""
    base = models.model("integers")
    parts = tuple(replace(base.encoder.parts[2], column=name if name.strip() else f"{name}x") for name in columns)
    network = replace(base.network, n=(sum(len(part.names) for part in parts), 4))
    return replace(
        base,
        encoder=replace(base.encoder, parts=parts),
        network=network,
        theta=np.zeros(network.size, np.float32),
        target=replace(base.target, name=target),
    )


@needs_compiler
@pytest.mark.parametrize("target", ["y", "class", "_", "9", "*/", "a" * 300], ids=range(6))
def test_any_name_compiles_as_c_and_is_declared_in_cpp(target, tmp_path):
    columns = dict.fromkeys([*WORDS, *SHAPES]) if target == "y" else ["x"]
    (tmp_path / "model.c").write_bytes(content(with_names(columns, target)))
    cc("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c", "-o", tmp_path / "model.o", tmp_path / "model.c")
    only = re.search(r"#define (PREDICT_\w+_ONLY)", (tmp_path / "model.c").read_text())[1]
    declared = f'#define {only}\n#include "model.c"\n'
    (tmp_path / "declared.c").write_text("".join(f"#include <{name}.h>\n" for name in BEFORE) + declared)
    cc("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", tmp_path / "declared.c")
    if shutil.which("c++"):
        (tmp_path / "declared.cpp").write_text(f"#include <cmath>\n#include <string>\n{declared}")
        for standard in ("-std=c++11", "-std=c++20"):
            cc("-x", "c++", standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", tmp_path / "declared.cpp")


@needs_compiler
def test_a_program_in_cpp_calls_it(tmp_path):
    if not shutil.which("c++"):
        return
    (tmp_path / "model.c").write_bytes(content(models.model("integers")))
    text = (tmp_path / "model.c").read_text()
    only, row = re.search(r"#define (PREDICT_\w+_ONLY)", text)[1], re.search(r"} (row_of_\w+);", text)[1]
    predict = row.replace("row_of_", "predict_")
    (tmp_path / "main.cpp").write_text(
        f'#define {only}\n#include "model.c"\nint main() {{ {row} row = {row}(); double p[9]; '
        f"return {predict}(&row, p) < -1; }}\n"
    )
    cc("-std=c99", "-c", "-o", tmp_path / "model.o", tmp_path / "model.c")
    done = subprocess.run(
        ["c++", "-o", tmp_path / "main", tmp_path / "main.cpp", tmp_path / "model.o", "-lm"], text=True
    )
    assert done.returncode == 0
    assert subprocess.run([tmp_path / "main"]).returncode == 0


def test_literals_and_comments_are_closed():
    every = "".join(map(chr, [*range(1, 0x300), 0x202E, 0x2028, 0xFEFF, 0x1F600])) + '*/ /* ??/ \\\n "'
    assert re.fullmatch(r'"(?:[ -~]*)"', literal(every))
    assert not re.search(r'(?<!\\)"|\?|\*|\\\D|\n', literal(every)[1:-1])
    assert not re.search(r"\*|\?|\\[^u]|[\x00-\x1f\x7f-\x9f\u2028\u202e]", comment(every))
    with pytest.raises(RequestError, match="NUL character"):
        literal("a\0b")
    with pytest.raises(RequestError, match="lone surrogate"):
        literal("a\udce9b")


@needs_compiler
def test_what_training_would_refuse_has_no_answer(tmp_path):
    model = models.model("binary")
    scales = {part.column: part.scales for part in model.encoder.parts if not isinstance(part, CategoryFeatures)}
    gapless = replace(
        model,
        encoder=replace(
            model.encoder,
            parts=tuple(
                replace(part, scales=tuple(replace(s, fill=None) for s in part.scales))
                if part.column in scales
                else part
                for part in model.encoder.parts
            ),
        ),
    )
    first, *others = model.encoder.parts
    wide = replace(first, scales=(replace(first.scales[0], scale=1e99),))
    widest = replace(model, encoder=replace(model.encoder, parts=(wide, *others)))
    compiled = Compiled([("usual", model), ("gapless", gapless), ("widest", widest)], tmp_path, "-O1")
    fine = {name: [TABLE[name][0]] for name in NAMES}
    rows = structures(model, fine)
    predict = compiled.loaded.predict_y0
    P = (ctypes.c_double * 2)()
    assert predict(ctypes.byref(rows[0]), P) >= 0
    place = {name: f"member_{i}" for i, name in enumerate(model.encoder.columns)}
    for column, value in [
        ("mass", np.inf),
        ("mass", -np.inf),
        ("mass", 2e100),
        ("count", 1e20),
        ("tame", 0.5),
        ("tame", -1.0),
        ("seen", np.inf),
        ("seen", 1e30),
    ]:
        row = structures(model, fine)[0]
        setattr(row, place[column], value)
        assert predict(ctypes.byref(row), P) == -1
    for column in scales:
        row = structures(model, fine)[0]
        setattr(row, place[column], np.nan)
        assert predict(ctypes.byref(row), P) >= 0
        assert compiled.loaded.predict_y1(ctypes.byref(row), P) == -1
    for value, is_taken in ((1e100, True), (1.1e100, False)):
        row = structures(model, fine)[0]
        setattr(row, place["mass"], value)
        assert (compiled.loaded.predict_y2(ctypes.byref(row), P) >= 0) == is_taken
    row = structures(model, fine)[0]
    setattr(row, place["island"], b"")
    empty = predict(ctypes.byref(row), P), list(P)
    setattr(row, place["island"], None)
    assert (predict(ctypes.byref(row), P), list(P)) == empty


@needs_compiler
def test_its_own_float_functions_are_within_three_units_in_the_last_place(tmp_path):
    model = models.with_activation("tanh")  # brings expm1, and the sigmoid exp
    names = ("exp", "expm1", "tanh")
    own = replace(model, network=replace(model.network, activation=("tanh", "sigmoid")))
    (tmp_path / "model.c").write_bytes(content(own))
    calls = "".join(
        f"void each_{f}(const float *x, float *y, int n) {{ for (int i = 0; i < n; i++) y[i] = {f}_float(x[i]); }}\n"
        for f in names
    )
    (tmp_path / "each.c").write_text(f'#include "model.c"\n{calls}')
    cc("-std=c99", "-O2", "-fPIC", "-shared", "-o", tmp_path / "each.so", tmp_path / "each.c", "-lm")
    library = ctypes.CDLL(str(tmp_path / "each.so"))
    small = np.geomspace(1e-30, 200.0, 200_000)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, 88.7, 88.8, -103.9, -104.1]
    x = np.concatenate([small, -small, special]).astype(np.float32)
    for f in names:
        y = np.empty_like(x)
        pointer = ctypes.POINTER(ctypes.c_float)
        getattr(library, f"each_{f}")(x.ctypes.data_as(pointer), y.ctypes.data_as(pointer), len(x))
        with np.errstate(over="ignore", under="ignore"):
            exact = getattr(np, f)(x.astype(np.float64))
            expected = exact.astype(np.float32)
        np.testing.assert_array_equal(np.isfinite(y), np.isfinite(expected))
        np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
        finite = np.isfinite(expected)
        unit = np.spacing(np.abs(expected[finite])).astype(np.float64)
        assert np.max(np.abs(y[finite] - exact[finite]) / unit) < 3.0, f


def test_the_same_model_gives_the_same_bytes(tmp_path):
    from chainrule import load

    model = models.model("classes")
    model.save(tmp_path / "model")
    assert content(model) == content(load(tmp_path / "model"))


def test_weights_are_written_exactly():
    model = models.model("regression64")
    text = content(model).decode()
    rows = re.search(r"W1\[19\]\[8\] = \{(.*?)\n\};", text, re.DOTALL)[1]
    written = [float.fromhex(t) if "x" in t else float(t) for t in re.findall(r"-?[\dx.a-fp+-]+", rows)]
    assert all("x" in t or Decimal(t) == Decimal(float(t)) for t in re.findall(r"-?[\dx.a-fp+-]+", rows))
    assert (real(0.5, "float32"), real(0.1, "float64")) == ("0.5f", "0x1.999999999999ap-4")
    W = model.parameters.W[1]
    np.testing.assert_array_equal(np.array(written).reshape(19, 8)[:, :6], W.T)
