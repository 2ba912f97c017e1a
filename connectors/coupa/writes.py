"""How every write to Coupa is made: a permit, one attempt, and the record that Coupa answers with."""

from collections.abc import Mapping

from connectors.coupa.fields import Fields, written
from connectors.coupa.operations import OPERATIONS
from connectors.coupa.reads import CoupaReads
from connectors.errors import UncertainOutcome
from connectors.http import Permit
from connectors.tally import Json


class CoupaWrites(CoupaReads):
    """What the writes of all resources share."""

    def permit(self, operation: str) -> Permit:
        """Leave for one write of `operation` (its method's name); waits for rate, token and a place in flight."""
        return self._edge.permit(OPERATIONS[operation])

    def _write(
        self,
        name: str,
        permit: Permit,
        body: Json | None,
        *,
        fields: Fields | None = None,
        query: Mapping[str, str] | None = None,
        path: str | None = None,
        **parts: str | int,
    ) -> Json:
        operation = OPERATIONS[name]
        query = {**(query or {}), **({"fields": written(fields)} if fields else {})}
        answer = self._edge.write(operation, permit, path=path or operation.at(**parts), query=query, json=body)
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), int):
            raise UncertainOutcome("Coupa's answer is not a record with an id", operation=name)
        return answer
