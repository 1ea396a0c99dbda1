"""Names, texts and numbers of a model as C writes them. Nothing in them can end a literal, a comment or a line."""

import re
import unicodedata
from decimal import Decimal
from itertools import count
from math import inf, isfinite
from typing import Any

from chainrule.errors import RequestError
from chainrule.export.text import used
from chainrule.model import Model

REALS = {"float32": "float", "float64": "double"}

# What C99, its successors, C++ and common compilers take for themselves, in lower case as our names are; and what the
# headers of C, POSIX and Windows define as macros that need no brackets.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        alignas alignof and and_eq asm auto bitand bitor bool break case catch cdecl char char16_t char32_t char8_t
        class co_await co_return co_yield compl complex concept const const_cast consteval constexpr constinit continue
        decltype default delete do double dynamic_cast else enum errno explicit export extern false far float for friend
        goto h_addr hyper i386 i486 i586 i686 if imaginary inline int interface linux long math_errhandling mips mutable
        namespace near new noexcept noreturn not not_eq nullptr operator or or_eq pascal private protected public
        register reinterpret_cast requires restrict return s_addr sa_handler sa_sigaction short si_addr si_addr_lsb
        si_arch si_band si_call_addr si_fd si_int si_lower si_overrun si_pid si_pkey si_ptr si_status si_stime
        si_syscall si_timerid si_uid si_upper si_utime si_value sigev_notify_attributes sigev_notify_function signed
        sizeof small sparc st_atime st_ctime st_mtime static static_assert static_cast stderr stdin stdout struct sun
        switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unix
        unsigned using virtual void volatile wchar_t while xor xor_eq
        """,
    )
)
LONGEST_MEMBER = 56  # of the 63 characters that C99 tells names apart by, some for a number behind
LONGEST_TARGET = 20  # of the 31 for names that linkers see, 11 for what stands before


class CNames:
    """Identifiers for the target and the columns."""

    def __init__(self, model: Model) -> None:
        target = _identifier(model.target.name, "target")[:LONGEST_TARGET].strip("_")
        self.row, self.predict, self.classes = f"row_of_{target}", f"predict_{target}", f"classes_of_{target}"
        self.only = f"PREDICT_{target.upper()}_DECLARATIONS_ONLY"
        self.declared = f"PREDICT_{target.upper()}_DECLARED"
        self.members: dict[str, str] = {}
        taken = set(RESERVED)
        for part in used(model.encoder):
            plain = _identifier(part.column, "column")[:LONGEST_MEMBER].strip("_")
            tried = (plain if i == 1 else f"{plain}_{i}" for i in count(1))
            self.members[part.column] = next(name for name in tried if name not in taken)
            taken.add(self.members[part.column])


def _identifier(text: str, instead: str) -> str:
    """Lower case, since macros are in upper case, without accents; ``instead`` where nothing is left."""
    ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "_", ascii.lower()).strip("_")
    return f"{instead}_{plain}".strip("_") if not plain or plain[0].isdigit() else plain


def literal(text: str) -> str:
    """A C string of the text in UTF-8; what could end a literal, a comment or a line goes as an octal number."""
    if "\0" in text:
        raise RequestError(f"the text {text!r} holds a NUL character, which ends a string in C: rename it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise RequestError(f"the text {text!r} holds a lone surrogate, which UTF-8 cannot encode: rename it.")
    plain = re.compile(rb"[^A-Za-z0-9 !#$&'()+,\-./:;<=>@\[\]^_`{|}~%]")
    return '"' + plain.sub(lambda found: b"\\%03o" % found[0][0], text.encode()).decode() + '"'


def comment(text: str) -> str:
    """Text for a comment: letters of any language as they are, and nothing that could end it or join its lines."""
    return "".join(c if c.isalnum() or c in " !\"#$%&'()+,-./:;<=>@[]^_`{|}~" else f"\\u{ord(c):04x}" for c in text)


def quoted(text: str) -> str:
    """A name in a comment."""
    return comment(f'"{text}"')


def real(value: Any, dtype: str) -> str:
    """A constant: in decimal digits where they are few and exact, else in hexadecimal ones."""
    value = float(value)
    suffix = "f" if dtype == "float32" else ""
    if not isfinite(value):
        name = {inf: "INFINITY", -inf: "-INFINITY"}.get(value, "NAN")
        return f"({REALS[dtype]}){name}"
    digits = repr(value)
    if len(digits) <= 10 and Decimal(digits) == Decimal(value):
        return digits + suffix
    mantissa, _, exponent = value.hex().partition("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}{suffix}"


def double(number: float | None) -> str:
    """A double, NAN for none."""
    return "NAN" if number is None else real(number, "float64")
