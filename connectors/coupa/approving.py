"""The Coupa calls about requisitions that wait for approval: which do, and one more person to be asked."""

from collections.abc import Iterable

from connectors.checks import checked
from connectors.coupa.bodies import Reference
from connectors.coupa.fields import REQUISITION
from connectors.coupa.operations import REQUISITION_ACTIONS
from connectors.coupa.reads import Pages
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.payload_types import CoupaBody
from connectors.tally import Json


class RequisitionActionPayload(CoupaBody):
    """Who is added, or which approval is taken away."""

    approver: Reference | None = None
    approval: Reference | None = None


class Approving(CoupaWrites):
    def requisitions_in(self, status: str, suppliers: Iterable[str]) -> Pages:
        """Requisitions in this status with a line of one of the suppliers (by number), with lines and approvals."""
        query = {"status": status}
        name = "requisition_lines[supplier][number]"
        return self._among("list_requisitions", name, suppliers, REQUISITION, query=query)

    def act_on_requisition(self, id: int, action: str, permit: Permit, payload: Json) -> Json:
        """`action` is a word of REQUISITION_ACTIONS; `add_approver` takes {approver: {login}}. The answer is the requisition."""
        if action not in REQUISITION_ACTIONS:
            raise ValueError(f"{action!r} is no action here; known are {', '.join(sorted(REQUISITION_ACTIONS))}")
        body = checked(RequisitionActionPayload, payload, "act_on_requisition", permit)
        return self._write("act_on_requisition", permit, body, fields=REQUISITION, id=id, action=action)
