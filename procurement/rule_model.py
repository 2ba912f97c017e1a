"""What every rule file of `mappings/` is made of: frozen models that refuse keys they do not know.

Numbers are exact decimals, names and codes are texts even where YAML reads a whole number (a GL code 6100 is "6100").
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from procurement.money import to_decimal


class RuleModel(BaseModel):
    """A frozen value read from YAML; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _tuple(value: object) -> object:
    """A single value where a list may stand."""
    return value if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Number = Annotated[Decimal, BeforeValidator(to_decimal, json_schema_input_type=str | int | float)]
Flag = StrictBool
Texts = Annotated[tuple[Text, ...], BeforeValidator(_tuple, json_schema_input_type=str | int | list[str | int])]
Document = Mapping[str, Any]  # a document in its vendor's spelling: the JSON edge
