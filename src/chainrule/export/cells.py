"""How the exported Python file reads a table. These functions are copied into it, so they need NumPy alone.

They read and refuse what ``chainrule.data`` does, cell by cell. A column of several kinds of cells, which that refuses,
is read here: each cell for itself.
"""

import re

import numpy as np

# The spellings of a missing number, date or boolean, and the numbers among them; a file has those of its model.
NUMBER_GAPS = frozenset()
GAP_NUMBERS = ()


def columns(table, names):
    """The columns of these names: arrays of numbers, booleans and moments as they are, others as lists."""
    table = {str(name) if str(name).strip() else f"column {i}": table[name] for i, name in enumerate(table, 1)}
    absent = [name for name in names if name not in table]
    if absent:
        subject, it = ("column", "it") if len(absent) == 1 else ("columns", "them")
        named = f"{subject} {', '.join(map(repr, absent))}"
        raise ValueError(
            f"{named} {'is' if it == 'it' else 'are'} missing: the model was trained on {it}. "
            f"Columns here: {', '.join(table)}."
        )
    found = {name: cells_of(name, table[name]) for name in names}
    lengths = {name: len(cells) for name, cells in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns are of one length, not of {lengths}.")
    return found


def cells_of(name, column):
    """The cells of a column: an array of numbers, booleans or moments as it is, anything else as a list."""
    try:
        array = np.asarray(column)
    except ValueError:  # lists of several lengths
        array = np.empty((0, 0))
    if array.ndim != 1:
        raise ValueError(f"column {name!r} must be a list or an array of cells.")
    return array if array.dtype.kind in "biufM" else list(column)


def is_missing(cell, spellings=None):
    """None, NaN, NaT, empty text and the ``spellings`` of a missing value; NUMBER_GAPS, in any case, where None."""
    if cell is None or isinstance(cell, str):
        return not cell or (cell.strip().lower() in NUMBER_GAPS if spellings is None else cell in spellings)
    same = cell == cell  # not so for NaN and NaT, and pandas' NA does not say
    return not (isinstance(same, (bool, np.bool_)) and same)


def read(name, cells, of, what, missing, spellings=None):
    """What ``of`` reads in each cell, ``missing`` where there is none; the first that is no ``what`` is an error."""
    found = []
    for i, cell in enumerate(cells):
        try:
            found.append(missing if is_missing(cell, spellings) else of(cell))
        except (TypeError, ValueError, OverflowError):
            found = f"text: {str(cell)!r}" if isinstance(cell, str) else f"{type(cell).__name__}: {cell}"
            raise ValueError(
                f"column {name!r} was {what} at training, now it is {found} in {row_name(i)}. "
                "Correct the cell, or leave it empty."
            ) from None
    return found


def row_name(i):
    """How messages name a row."""
    return f"row {i + 1} (rows are counted from 1, below the header)"


def require_numbers(A):
    """ValueError where an answer in A[L] (n[L], m) is not a number."""
    lost = np.isnan(A).any(axis=0)
    if lost.any():
        raise ValueError(
            f"the prediction for {row_name(int(lost.argmax()))} is NaN: values in the network exceed the range of "
            f"{A.dtype}. Correct extreme cells in that row."
        )


def number(cell):
    """A number, a boolean as 0 or 1, or text such as 1.5."""
    if isinstance(cell, str) and (not cell.strip().isascii() or "_" in cell):  # which Python would read
        raise ValueError
    if isinstance(cell, (bytes, np.datetime64, np.timedelta64, np.complexfloating)):  # NumPy would turn these too
        raise TypeError
    return float(cell)


def numbers(name, cells, of=number, what="a number"):
    """(m,) numbers, NaN where missing."""
    plain = isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf"
    if plain and of is number:
        values = cells.astype(np.float64)
    else:
        values = np.array(read(name, cells, of, what, np.nan), np.float64)
    values[np.isin(values, GAP_NUMBERS)] = np.nan
    bad = np.abs(values) > 1e100
    if bad.any():
        i = int(bad.argmax())
        found = "an infinite value" if np.isinf(values[i]) else f"the value {values[i]:g}, beyond 1e+100,"
        raise ValueError(
            f"column {name!r} has {found} in {row_name(i)}: correct the cell, or leave it empty if unknown."
        )
    return values


def filled(name, values, fill):
    """The values with ``fill`` in the gaps; None says that training had no gaps and takes none."""
    gaps = np.isnan(values)
    if fill is None and gaps.any():
        raise ValueError(
            f"column {name!r} has no value in {row_name(int(gaps.argmax()))}: the model was trained without missing "
            "values and takes none. Fill in the cell, remove the row, or train again with missing values among the "
            "training rows."
        )
    return np.where(gaps, np.nan if fill is None else fill, values)


def scaled(name, values, fill, mean, scale):
    """(values - mean) / scale, the gaps filled."""
    feature = (filled(name, values, fill) - mean) / scale
    far = np.abs(feature) > 1e15
    if far.any():
        i = int(far.argmax())
        raise ValueError(
            f"column {name!r} has {values[i]:g} in {row_name(i)}, more than 1e+15 standard deviations from the mean "
            "of the training rows: correct the cell, or leave it empty if unknown."
        )
    return feature


def normal_scores(name, values, fill, knots, z):
    """z of the values, the gaps filled: linear between the knots, outside them that of the nearest."""
    x = np.clip(filled(name, values, fill), knots[0], knots[-1])
    k = np.searchsorted(knots, x, side="right") - 1
    knots, z = np.array([*knots, np.inf]), np.array([*z, z[-1]])
    return z[k] + (x - knots[k]) / (knots[k + 1] - knots[k]) * (z[k + 1] - z[k])


def number_features(name, cells, scale, gaps, to=scaled):
    """A number as it is scaled and, with ``gaps``, 1 where it is missing."""
    values = numbers(name, cells)
    return [to(name, values, *scale), *([np.isnan(values)] if gaps else [])]


def boolean(cell):
    """0 or 1 of a boolean, of the number 0 or 1, or of text such as yes and no; a number that means a gap."""
    if isinstance(cell, str):
        words = ("false", "no", "f", "n", "0", "true", "yes", "t", "y", "1")
        return float(words.index(cell.strip().lower()) >= 5)
    value = number(cell)
    if value not in (0.0, 1.0, *GAP_NUMBERS):
        raise ValueError
    return value


def boolean_features(name, cells, scale, gaps):
    """A boolean as 0 or 1, scaled, and, with ``gaps``, 1 where it is missing."""
    values = numbers(name, cells, boolean, "a boolean")
    return [scaled(name, values, *scale), *([np.isnan(values)] if gaps else [])]


def date(cell):
    """A moment in UTC, datetime64[us], of a date or time, or of text such as 2024-01-31 or 2024-01-31 10:30+02:00."""
    if isinstance(cell, str):
        found = re.fullmatch(
            r"(\d{4}-\d\d-\d\d)"
            r"(?:[ T](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?"
            r"(?:Z|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?)?",
            cell.strip(),
            re.ASCII,
        )
        if found is None:
            raise ValueError
        day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
        moment = np.datetime64(
            f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}.{(fraction or '').ljust(6, '0')}"
        )
        east = np.timedelta64(60 * int(hours or 0) + int(minutes or 0), "m")
        return moment + east if sign == "-" else moment - east
    if isinstance(cell, np.datetime64):
        return cell.astype("M8[us]")
    if not hasattr(cell, "year"):
        raise TypeError
    east = cell.utcoffset() if hasattr(cell, "utcoffset") else None
    return np.datetime64(cell if east is None else cell.replace(tzinfo=None) - east, "us")


def date_features(name, cells, year, month, weekday, day, gaps, to=scaled):
    """Year, month, day of the week and days since 1970, scaled, and, with ``gaps``, 1 where the date is missing."""
    moments = cells
    if isinstance(cells, list) or cells.dtype.kind != "M":
        moments = np.array(read(name, cells, date, "a date", np.datetime64("NaT")), "M8[us]")
    moments = moments.astype("M8[us]")
    is_gap = np.isnat(moments)
    months = moments.astype("M8[M]").astype(np.int64)
    days = moments.astype("M8[D]").astype(np.int64)
    parts = [
        (months // 12 + 1970, year),
        (months % 12 + 1, month),
        ((days + 3) % 7, weekday),  # Monday is 0; 1970-01-01 was a Thursday
        (moments.astype(np.int64) / 86_400e6, day),
    ]
    features = [to(name, np.where(is_gap, np.nan, part), *scale) for part, scale in parts]
    return [*features, *([is_gap] if gaps else [])]


def text(cell):
    """A cell as a level is spelled: the integer 3.0 reads 3."""
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    value = number(cell)
    if isinstance(cell, (int, np.integer)):
        return str(int(cell))
    if abs(value) < 2.0**53 and value == int(value):
        return str(int(value))
    cell = cell if isinstance(cell, np.floating) else value  # a float32 has fewer digits
    if 1e-6 <= abs(cell) < 1e10:
        return np.format_float_positional(cell, trim="-")
    return np.format_float_scientific(cell, trim="-", exp_digits=1)


def level_places(name, cells, levels, other, gap, missing):
    """Where each cell's level stands among the ``levels``, (m,); ``missing`` are the spellings of a gap."""
    place = {level: j for j, level in enumerate(levels)}
    cells = read(name, cells, text, "text", None, missing)
    return np.array([gap if cell is None else place.get(cell, other) for cell in cells], np.int64)


def category_features(name, cells, levels, rare, gaps, missing):
    """1 for the cell's level, 0 for the others; with ``rare`` one for all other levels, with ``gaps`` one for gaps."""
    count = len(levels) + rare + gaps
    places = level_places(name, cells, levels, len(levels) if rare else -1, count - 1 if gaps else -1, missing)
    return [places == j for j in range(count)]


def category_codes(name, cells, levels, gaps, missing):
    """1 for the first level, and so on; with ``gaps`` the last code is that of gaps; 0 for all else."""
    return 1 + level_places(name, cells, levels, -1, len(levels) if gaps else -1, missing)
