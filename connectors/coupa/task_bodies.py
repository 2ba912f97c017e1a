"""What we send to Coupa about tasks of user groups.

Coupa's words for a task's status are its customer's own, so they are never assumed here.
"""

from pydantic import Field, model_validator

from connectors.payload_types import CoupaBody, Moment


class TaskPayload(CoupaBody):
    """A new task. Tasks have no key of their own: what finds one again stands in its description."""

    title: str = Field(min_length=1, max_length=255)
    description: str
    due_date: Moment | None = None
    owner_id: int | None = None


class TaskChanges(CoupaBody):
    """What is to change; what is left out stays. `percentage` is how much is done, 0 to 100."""

    status: str | None = Field(None, min_length=1, max_length=255)
    percentage: int | None = Field(None, ge=0, le=100)

    @model_validator(mode="after")
    def _something(self) -> "TaskChanges":
        if not self.body():
            raise ValueError("an update says what is to change")
        return self
