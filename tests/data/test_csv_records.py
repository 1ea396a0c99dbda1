"""Quotes and line ends of CSV: nothing is swallowed, and cells that do hold line breaks stay what they are."""

import csv
import gzip
import io

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import csv_records, read_table
from chainrule.data.csv_records import Records, find_records
from chainrule.errors import RequestError


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def walk(text, delimiter, columns):
    """What ``find_records`` finds, byte by byte."""
    full, empty, multiline, like_rows = 0, 0, 0, []
    i = begin = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    at_start, quoted, counts = True, None, [0]

    def end(content_end, record_end):
        nonlocal full, empty, multiline
        if content_end == begin:
            empty += 1
            return
        full += 1
        multiline += len(counts) > 1
        if len(counts) > 1 and all(count == columns - 1 for count in counts):
            like_rows.append((begin, record_end))

    while i < len(text):
        c, pair = text[i : i + 1], text[i : i + 2]
        line_end = c in (b"\r", b"\n")
        step = 2 if pair == b"\r\n" else 1
        counts[-1] += c == delimiter
        if quoted is not None:
            if pair == b'""':
                step = 2
            elif c == b'"':
                lines, quoted = text[quoted:i].count(b"\n") + text[quoted:i].count(b"\r"), None
                if lines and text[i + 1 : i + 2] not in (b"", delimiter, b"\n", b"\r", b" ", b"\t"):
                    return "spoiled"
            elif line_end:
                counts.append(0)
        elif c == b'"' and at_start:
            quoted = i
        elif line_end:
            end(i, i + step - 1)
            begin, counts = i + step, [0]
        at_start = c == delimiter or line_end
        i += step
    if quoted is not None:
        return "unclosed", quoted
    if begin < len(text):
        end(len(text), len(text))
    return Records(full, empty, None, None, multiline, tuple(like_rows))


TEXTS = st.one_of(
    *(st.lists(st.sampled_from(list(a)), max_size=40).map("".join) for a in ('",\na', '"",\n\r1', '",;\r\nx '))
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, bom=st.booleans(), block=st.sampled_from([1, 2, 3, 5, 1 << 18]))
def test_blocks_find_what_walking_byte_by_byte_finds(text, bom, block):
    text = b"\xef\xbb\xbf" * bom + text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "BLOCK", block)
        found, walked = find_records(text, ",", 2), walk(text, b",", 2)
    if isinstance(walked, Records):
        assert found == walked
    elif walked == "spoiled":
        assert found.spoiled is not None or found.unclosed is not None
    else:
        assert (found.unclosed, found.spoiled) == (walked[1], None)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_pyarrow_finds_as_many_records(text):
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    names = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
    try:
        table = pyarrow.csv.read_csv(pa.BufferReader(text.encode()), names, options)
    except pa.ArrowInvalid:  # rows of different lengths, or none
        return
    found = find_records(text.encode(), ",", 2)
    assert found.unclosed is not None or found.full == table.num_rows


# No CR: the csv module of old leaves it without quotes.
CELLS = st.text(st.sampled_from("ab ,;\"\n'é"), max_size=6).map(lambda cell: f"t{cell}")


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.integers(0, 9)), min_size=1, max_size=8),
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_what_the_csv_module_writes_is_read(tmp_path_factory, rows, ends, quoting):
    text = io.StringIO()
    csv.writer(text, lineterminator=ends, quoting=quoting).writerows([("a", "b", "n"), *rows])
    table = read_table(write(tmp_path_factory.mktemp("csv"), text.getvalue()))
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows


def rows(quote_at=None, cell='"5 inch', others=None, count=60):
    """A table of ``count`` rows with ``cell`` in the last column of one; the header is line 1."""
    made = [
        f"{i % 7},{i % 5},{'ab'[i % 2]},{cell if i == quote_at else (others or {}).get(i, 'ok')}\n"
        for i in range(count)
    ]
    return "a,b,y,note\n" + "".join(made)


SWALLOWED = {
    "a quote never closed": (rows(9), ["line 11", "never closed"]),
    "a quote never closed, in the first column": ("a,b\n1,2\n" + '"3,4\n' + "5,6\n" * 9, ["line 3", "never closed"]),
    "a quote never closed, alone in the last line": (rows() + '"', ["line 62", "never closed"]),
    "a quote never closed, doubled": (rows(9, '"5 inch ""wide'), ["line 11", "never closed"]),
    "a quote never closed in the header": ('a,"b\n1,2\n3,4\n', ["line 1", "never closed"]),
    "with CR LF": (rows(9).replace("\n", "\r\n"), ["line 11", "never closed"]),
    "with CR": (rows(9).replace("\n", "\r"), ["line 11", "never closed"]),
    "behind cells of several lines": (rows(9, others={3: '"two\nlines"'}), ["line 12", "never closed"]),
    "behind text with quotes": (rows(9, others={3: '5" inch', 4: 'x""y', 5: '""'}), ["line 11", "never closed"]),
    "closed by the next cell in quotes": (rows(9, others={30: '"in, quotes"'}), ["line 11", "line 32"]),
    "closed by a quote at an end": (rows(9, others={30: '5 inch"'}), ["line 11", "line 32", "reads as a row"]),
    "closed by a quote of the same kind": (rows(9, others={30: '"6 inch'}), ["line 11", "line 32"]),
    "closed in the next line": (rows(9, others={10: '5 inch"'}), ["line 11", "line 12", "reads as a row"]),
    "among cells of several lines": (
        rows(9, others={30: '5 inch"', 40: '"two\nlines"', 50: '"a, b\nc, d"'}),
        ["line 11", "line 32", "reads as a row"],
    ),
    "in a table of text": ('a,b,c\nx,y,"z\n' + "x,y,z\n" * 9 + 'x,y,z"\n', ["line 2", "line 12", "reads as a row"]),
}  # fmt: skip


@pytest.mark.parametrize("what", SWALLOWED)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_quote_that_swallows_rows_is_refused_with_its_line(tmp_path, what, name):
    text, pieces = SWALLOWED[what]
    content = text.encode() if name == "t.csv" else gzip.compress(text.encode())
    with pytest.raises(RequestError) as caught:
        read_table(write(tmp_path, content, name))
    for piece in [name, *pieces]:
        assert piece in str(caught.value)


def test_the_line_is_right_far_behind_the_first_block(tmp_path):
    with pytest.raises(RequestError, match=r"line 80002 .* never closed"):
        read_table(write(tmp_path, rows(80_000, count=90_000)))


# Files as they are met, and how many rows they have
KEPT = {
    "addresses": ("id,address\n" + '17,"Main Street 5\n12345 Springfield"\n18,"Elm Street\nFlat 2, Shelbyville"\n', 2),
    "comments with commas": ('id,n,text\n1,2,"Dear all,\n\nit is late, I know,\nso, bye"\n2,3,x\n', 2),
    "one comment of many lines": ("id,n,text\n" + '1,2,"' + "so, it, went\n" * 30 + 'end"\n2,3,x\n', 2),
    "a program": ('id,code\n1,"if a:\n    print(b, c)\n"\n2,"x = [1,\n     2]"\n', 2),
    "quotes within text": ('n,size\n1,5" wide\n2,"6"" wide"\n3,"7"" x\n8"""\n', 3),
    "a blank behind the quote": ('a,b\n1,"x\ny" \n2,"z" \n', 2),
    "a quote behind a blank": ('a,b\n1, "x\n2, y"\n', 2),
    "empty cells in quotes": ('a,b\n"",""\n"1","x"\n', 2),
    "a line break alone": ('a,b\n1,"\n"\n2,"\r\n"\n', 2),
    "one column of text": ('text\n"a\nb"\nc\n"d\ne\nf"\n', 3),
    "lone CR": ("a,b\r1,x\r2,y\r", 2),
    "empty lines": ("a,b\n\n1,x\n\n\n2,y\n\n", 2),
    "empty lines with CR LF": ("a,b\r\n\r\n1,x\r\n\r\n2,y", 2),
    "no last line end": ('a,b\n1,x\n2,"y\nz"', 2),
}


@pytest.mark.parametrize("what", KEPT)
def test_cells_of_several_lines_and_quotes_in_text_stay(tmp_path, what):
    text, count = KEPT[what]
    table = read_table(write(tmp_path, text))
    header, *wanted = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert table.num_rows == len(wanted) == count
    read = zip(*(column.cast(pa.string()).fill_null("").to_pylist() for column in table.columns), strict=True)
    assert table.column_names == header
    assert [list(row) for row in read] == wanted


# What else a file may hold that is not its rows: never read on in silence.
def test_a_nul_byte_is_refused_with_its_line(tmp_path):
    for text in ("a,b\n1,x\n2,y\0\n", "a,b\r\n1,x\r\n2\0,y"):
        with pytest.raises(RequestError, match=r"line 3 of .* has a NUL byte"):
            read_table(write(tmp_path, text))
    for encoding in ("utf-16-le", "utf-16-be"):
        with pytest.raises(RequestError, match=r"line 1 .*NUL.*UTF-16"):
            read_table(write(tmp_path, "a,b\n1,x\n".encode(encoding)))


def test_other_counts_of_rows_than_the_file_has_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path, "a,b\n1,x\n2,y\n3,z\n")
    whole = pyarrow.csv.read_csv
    monkeypatch.setattr(pyarrow.csv, "read_csv", lambda *args, **options: whole(*args, **options).slice(1))
    with pytest.raises(RequestError, match=r"has 3 rows .* and 2 were read"):
        read_table(path)


@pytest.mark.parametrize("name", ["T.CSV.GZ", "t.Csv.gz", "T.TSV.GZ", "t.csv"])
def test_a_gzip_file_is_known_by_its_bytes_whatever_its_name(tmp_path, name):
    text = "a\tb\n1\tx\n" if "T.TSV" in name else "a,b\n1,x\n"
    assert read_table(write(tmp_path, gzip.compress(text.encode()), name)).to_pydict() == {"a": [1], "b": ["x"]}


def test_a_delimiter_beyond_ascii_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"ASCII character, not '§'.*semicolon or a tab"):
        read_table(write(tmp_path, "a§b\n1§2\n"), delimiter="§")
