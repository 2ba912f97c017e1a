"""Comments on documents. `@[User:5]` in the text mentions a person, who is notified; whoever is unknown is passed
over."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.coupa.errors import invalid, not_found
from sandbox.coupa.incoming import create, read_body
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

MODEL = "comment"
MENTION = re.compile(r"@\[User:(\d+)\]")
COMMENTABLE: Mapping[str, str] = {
    "InvoiceHeader": "invoices", "OrderHeader": "purchase_orders", "RequisitionHeader": "requisitions", "User": "users",
}  # fmt: skip


def create_comment(instance: Instance, body: Any, *, kind: str | None = None, document_id: int | None = None) -> Record:
    """On the document of the path, or on the one the body names."""
    given = read_body(body, MODEL)
    kind = kind or str(given.get("commentable-type"))
    number = document_id if document_id is not None else given.get("commentable-id")
    if kind not in COMMENTABLE:
        raise invalid(MODEL, "Commentable type is not included in the list")
    if instance.get(COMMENTABLE[kind], number) is None:
        if document_id is not None:
            raise not_found(instance.table(COMMENTABLE[kind]).resource.title, number)
        raise invalid(MODEL, f"Commentable with id {number} can't be found")
    return add(instance, kind, int(str(number)), given.get("comments"), comment_type=given.get("comment-type"))


def add(
    instance: Instance,
    kind: str,
    document_id: int,
    text: Any,
    *,
    comment_type: str | None = None,
    to_supplier: bool = False,
    reason_code: str | None = None,
) -> Record:
    body = {"commentable-type": kind, "commentable-id": document_id, "comments": text, "comment-type": comment_type}
    people = mentioned(instance, str(text or ""))
    extra = {
        "mentionees": ",".join(str(person["id"]) for person in people) or None,
        "to-supplier": "1" if to_supplier else None,
        "reason-code": reason_code,
    }
    comment = create(
        instance, "comments", {name: value for name, value in body.items() if value is not None}, extra=extra
    )
    for person in people:
        instance.notify(
            person, f"You were mentioned on {kind} {document_id}", comment["comments"], document=f"{kind}/{document_id}"
        )
    return comment


def mentioned(instance: Instance, text: str) -> list[Record]:
    """The people a text mentions, each once, in order of appearance."""
    found = (instance.get("users", int(number)) for number in dict.fromkeys(MENTION.findall(text)))
    return [person for person in found if person]
