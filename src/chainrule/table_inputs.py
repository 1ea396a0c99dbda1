"""Which input layers a network for a table has: one for all its amounts, and one for each of its categories.

``numeric_inputs`` takes the columns of numbers and the parts of dates, standardised as the encoder gives them. What
says yes or no, such as booleans, gaps and the levels of categories, is handed on to W[1] as it is. ``category_inputs``
takes the codes of each category column, which makes no features then.
"""

from chainrule.data import Encoder
from chainrule.errors import RequestError
from chainrule.inputs import Input, layer_of

# What the layers take that each option asks for, and where a table may have it.
TAKES = {"numeric_inputs": "numbers", "category_inputs": "categories"}
FROM = {"numeric_inputs": "numbers or dates", "category_inputs": "categories"}


def require_takes(**specs: str | None) -> None:
    """RequestError for an option whose layer is not known, or takes what the other option's layers take.

    >>> require_takes(numeric_inputs="lookup(4)")
    Traceback (most recent call last):
    chainrule.errors.RequestError: numeric_inputs needs a layer for numbers, but lookup(4) takes categories: ...
    """
    for option, spec in specs.items():
        if spec is None:
            continue
        takes = layer_of(spec).takes
        if takes != TAKES[option]:
            (other,) = (name for name in TAKES if name != option)
            raise RequestError(
                f"{option} needs a layer for {TAKES[option]}, but {spec} takes {takes}: pass it as {other}, or leave "
                "it out."
            )


def input_layers(
    encoder: Encoder, numeric_inputs: str | None, category_inputs: str | None
) -> tuple[int, tuple[Input, ...]]:
    """n[0], and the layers for what the encoder gives."""
    layers: list[Input] = []
    if numeric_inputs and encoder.measured:
        layers.append(Input(numeric_inputs, encoder.measured))
    layers += [Input(str(category_inputs), (q,), levels) for q, levels in enumerate(encoder.levels)]
    taken = sum(len(layer.columns) for layer in layers if layer.takes_numbers)
    return len(encoder.feature_names) - taken + sum(layer.width for layer in layers), tuple(layers)


def without_columns(layers: tuple[Input, ...], **specs: str | None) -> list[str]:
    """A line for each option whose layer has nothing in the table to take."""
    kinds = {"numbers" if layer.takes_numbers else "categories" for layer in layers}
    return [
        f"{option} {spec} left out: no column of {FROM[option]} is used"
        for option, spec in specs.items()
        if spec is not None and TAKES[option] not in kinds
    ]
