"""From a file or a data frame to matrices for a network, and back to a file. Knows nothing of networks."""

from chainrule.data.encoding import Encoder
from chainrule.data.gaps import Gaps
from chainrule.data.plain_tables import is_unnamed
from chainrule.data.recognition import Reading, recognize
from chainrule.data.row_weights import column_weight, require_row_weights, without_rows
from chainrule.data.schema import Column, Schema, infer_schema
from chainrule.data.separate_target import with_target
from chainrule.data.splits import Split, split
from chainrule.data.table_reader import is_csv, read_table
from chainrule.data.target_column import Target
from chainrule.data.writing import check_destination, table_content, write_table

__all__ = [
    "Column",
    "Encoder",
    "Gaps",
    "Reading",
    "Schema",
    "Split",
    "Target",
    "check_destination",
    "column_weight",
    "infer_schema",
    "is_csv",
    "is_unnamed",
    "read_table",
    "recognize",
    "require_row_weights",
    "split",
    "table_content",
    "with_target",
    "without_rows",
    "write_table",
]
