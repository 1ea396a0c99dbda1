"""Errata of *Multi-layer networks*, in its order."""

from chainrule.notes.errata.errata_entry import Erratum
from chainrule.notes.errata.proofs import multi_layer_proofs as proofs

__all__: list[str] = []

_TITLE = "Multi-layer networks"

MULTI_LAYER: tuple[Erratum, ...] = (
    Erratum(
        "multi-layer-1",
        _TITLE,
        r"\(l=0\): \(a^{[0]} = X\) (input)",
        "Small letters are one example, (n[l], 1), in this half; X holds all m of them.",
        "`a[0] = x` for one example, `A[0] = X` for m, as the second half has it",
        "C",
    ),
    Erratum(
        "multi-layer-2",
        _TITLE,
        r"from the derivative values of \(da^{[l]}\)",
        "da[l] is the derivative already; and it does not suffice.",
        "from da[l] and what the forward pass left: z[l], a[l-1] and W[l]",
        "C",
    ),
    Erratum(
        "multi-layer-3",
        _TITLE,
        r"\frac{\partial J}{\partial a^{[l]}} g^{[l]'} (z^{[l]})",
        "Two columns stand side by side, as in a matrix product, which they do not have.",
        "`dJ/da[l] * g[l]'(z[l])`, element by element, as the line below says",
        "B",
    ),
    Erratum(
        "multi-layer-4",
        _TITLE,
        r"\frac{\partial}{\partial w_{jk}^{[l]}}\left( \sum_{k=1}^{n^{[l-1]}} w_{jk}^{[l]} a_{k}^{[l-1]}",
        "k is fixed by the derivative and runs in the sum at the same time.",
        "sum over another letter, `sum_k' w_jk' a_k'`, as the document does for dJ/da_k",
        "B",
    ),
    Erratum(
        "multi-layer-5",
        _TITLE,
        r"has dimensions \((n^{[l-1]} \times 1)^T\)",
        "A transpose is taken of dimensions.",
        "(1 x n[l-1])",
        "C",
    ),
    Erratum(
        "multi-layer-6",
        _TITLE,
        r"\\ & = \frac{\partial J}{\partial z_j^{[l]}} w_{jk}^{[l]} \\",
        "The sum over j, which both lines before have, is lost; j is then not defined.",
        "`dJ/da_k[l-1] = sum_j dJ/dz_j[l] w_jk[l]`; the matrix form after it is right",
        "B",
        proofs.sum_over_j,
    ),
    Erratum(
        "multi-layer-7",
        _TITLE,
        r"vectorisation with \(m\) training examples",
        "J changes its meaning here without a word: the loss of one example before, the mean over m from here on.",
        "`J = (1/m) sum_i L(i)`; its 1/m enters dZ[L] alone, and dW, db need none",
        "B",
    ),
    Erratum(
        "multi-layer-8",
        _TITLE,
        r"\begin{align*} Z^{[l]} &= W^{[l]} A^{[l-1]} + b^{[l]} \\",
        "An (n[l], m) matrix and an (n[l], 1) column are added; that b is added to every column is not said.",
        "`Z[l] = W[l] A[l-1] + b[l] 1^T`; this is also why db[l] is a sum over i",
        "B",
    ),
    Erratum(
        "multi-layer-9",
        _TITLE,
        "cross-entropy loss as the cost function",
        "The loss is of one example; the cost is its mean, with the 1/m that the next line has.",
        "the mean of the cross-entropy losses as the cost function",
        "C",
    ),
    Erratum(
        "multi-layer-10",
        _TITLE,
        r"\left[ Y^{(i)} \log A^{(i)} + (1-Y^{(i)}) \log(1-A^{(i)})\right]",
        "The layer is lost.",
        "`A[L](i)`",
        "C",
    ),
    Erratum(
        "multi-layer-11",
        _TITLE,
        r"\right] * \sigma'(Z^{[l]})",
        "The layer is L; and nothing keeps the derivative before the sum from acting on this factor too.",
        "`(d/dA[L] sum_i [...]) * sigma'(Z[L])`",
        "C",
    ),
)
