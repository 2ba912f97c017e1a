"""What we send is checked against its model first: what breaks it never leaves, and says everything that is wrong."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from connectors.errors import RejectedError
from connectors.http import Permit
from connectors.payload_types import Body
from connectors.redaction import redact
from connectors.tally import Json

Model = TypeVar("Model", bound=Body)
Given = Mapping[str, Any]


def checked(model: type[Model], payload: Model | Given, operation: str, permit: Permit) -> Json:
    """The JSON to send; RejectedError with every problem, and the permit given back, when it breaks its model."""
    if isinstance(payload, model):
        return payload.body()
    try:
        return model.model_validate(payload).body()
    except ValidationError as error:
        permit.release()
        problems = error.errors(include_url=False, include_input=False)
        reasons = (f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in problems)
        raise RejectedError(tuple(redact(reason) for reason in reasons), operation=operation) from None
