"""Commas and points in numbers: decimal marks, or separators of thousands? 1,234 may be either; the others tell."""

import pyarrow as pa

from chainrule.data.columns import pc

# So many different numbers with exactly three digits behind the mark, beside some without it, are groups of three: of
# as many decimals some would end on 0 and be written with fewer digits, were they not all written with the mark.
MANY = 20
MARKS = ",."
WHOLE = r"[-+]?\d+"
# What separates groups of three digits, the mark that may follow them, and the name of the former.
SEPARATORS = (
    (",", ".", "commas"),
    (".", ",", "points"),
    ("'", ".", "apostrophes"),
    ("\u2019", ".", "apostrophes"),
    ("_", ".", "underscores"),
    *((space, mark, "spaces") for space in (" ", "\u00a0", "\u2009", "\u202f") for mark in MARKS),
)


def described(cells: pa.Array) -> str:
    """What the marks are in numbers that are text because of them, and what to do; '' where the cells are no such.

    >>> described(pa.array(["1,5", "2,25", "3"]))
    'numbers with a decimal comma: write points, or use --decimal , where no comma separates the cells'
    >>> described(pa.array(["845", "1,234", "1,234.50"]))
    "numbers with commas between thousands, such as '1,234.50': remove the commas"
    >>> described(pa.array(["1,234", "5,678"]))
    "numbers such as '1,234': remove the comma if it separates thousands, write a point if it is the decimal mark"
    """
    texts = pc.utf8_trim_whitespace(cells.unique().drop_null())
    if _all(texts, WHOLE):
        return ""
    for separator, mark, name in SEPARATORS:
        grouped = _that_are(texts, _groups(separator, mark))
        if not len(grouped) or not _all(texts, WHOLE, _decimal(mark), _groups(separator, mark)):
            continue
        either = separator in MARKS and _all(texts, WHOLE, _decimal(separator)) and not thousands(texts, separator)
        if either:
            other = "write a point" if separator == "," else "leave out --decimal ,"
            return (
                f"numbers such as {grouped[0].as_py()!r}: remove the {name[:-1]} if it separates thousands, {other} if "
                "it is the decimal mark"
            )
        sure = grouped.filter(pc.invert(pc.match_substring_regex(grouped, f"^({_decimal(separator)})$")))
        example = (sure if len(sure) else grouped)[0].as_py()
        return f"numbers with {name} between thousands, such as {example!r}: remove the {name}"
    if _all(texts, WHOLE, _decimal(",")):
        return "numbers with a decimal comma: write points, or use --decimal , where no comma separates the cells"
    if _all(texts, WHOLE, _decimal(".")):
        return "numbers with a decimal point, read with another decimal mark: leave out --decimal ,"
    return ""


def thousands(texts: pa.Array, decimal: str) -> str:
    """One of ``texts`` in which ``decimal`` separates thousands, as all of them together show; '' where it need not.

    845, 1,234 and 20,500 can be read as 845, 1.234 and 20.5. But :data:`MANY` different numbers with exactly three
    digits behind the mark, beside others that have no mark and are all below 1000, are groups of three.
    """
    texts = pc.utf8_trim_whitespace(texts.unique().drop_null())
    grouped = _that_are(texts, _groups(decimal))
    small = len(_that_are(texts, r"[-+]?\d{1,3}"))
    return grouped[0].as_py() if len(grouped) >= MANY and small and len(grouped) + small == len(texts) else ""


def _decimal(mark: str) -> str:
    return rf"[-+]?\d*[{mark}]\d+([eE][-+]?\d+)?"


def _groups(separator: str, mark: str = "") -> str:
    """Digits in groups of three, behind which the decimal ``mark`` may follow."""
    return rf"[-+]?[1-9]\d{{0,2}}([{separator}]\d{{3}})+" + (rf"([{mark}]\d*)?" if mark else "")


def _that_are(texts: pa.Array, *patterns: str) -> pa.Array:
    return texts.filter(pc.match_substring_regex(texts, f"^({'|'.join(patterns)})$"))


def _all(texts: pa.Array, *patterns: str) -> bool:
    return 0 < len(texts) == len(_that_are(texts, *patterns))
