"""Refusals in Coupa's shape: `{"errors": {"<model>": ["<sentence>", ...]}}`, or a bare list where there is no model."""

from collections.abc import Sequence


class Refused(Exception):
    """The call is answered with `status` and nothing has changed."""

    def __init__(self, status: int, sentences: Sequence[str], *, model: str | None = None) -> None:
        self.status = status
        self.sentences = list(sentences)
        self.model = model
        super().__init__(f"{status}: {' '.join(self.sentences)}")

    @property
    def body(self) -> dict[str, object]:
        return {"errors": {self.model: self.sentences} if self.model else self.sentences}


def invalid(model: str, *sentences: str) -> Refused:
    """A validation failure of one record: 400."""
    return Refused(400, sentences, model=model)


def bad_query(sentence: str) -> Refused:
    """A query string Coupa cannot read: 400 that names the bad part."""
    return Refused(400, [sentence])


def not_found(title: str, record_id: object) -> Refused:
    return Refused(404, [f"Could not find {title} with id {record_id}"])
