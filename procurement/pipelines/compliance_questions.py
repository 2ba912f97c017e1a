"""What a routing rule asks its approver about a purchase order, by a comment there, and what that person answered. Pure.

The last clear word counts: an `Approved` may be taken back, and a `Rejected` too, for as long as nothing was sent.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from procurement.compliance.judging import Violation

ORDERS = "purchase_orders"
YES = re.compile(r"approved\b", re.IGNORECASE)
NO = re.compile(
    r"(no(?! (objection|problem|issue|concern))|not|reject(ed)?|declined?|den(y|ied)|refused?|disapproved?|revoked|withdrawn|stop|"
    r"i (reject|decline|refuse|withdraw|revoke)|approval (withdrawn|revoked|rejected|denied))\b",
    re.IGNORECASE,
)
Json = Mapping[str, Any]
Word = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`comment`: the id of the comment that says it; None: an approval of the requisition."""

    word: Word
    comment: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What one rule asks its approver about one version of a PO: all that it found, in one comment."""

    key: str
    rule: str
    login: str
    found: tuple[Violation, ...]

    @classmethod
    def of(cls, order: Json, found: Sequence[Violation], login: str) -> "Question":
        causes = hashlib.sha256("\n".join(sorted(one.key for one in found)).encode()).hexdigest()[:8]
        key = f"{order.get('po-number')}/{found[0].rule}/{order.get('version') or 1}/{causes}"
        return cls(key, found[0].rule, login, tuple(found))

    @property
    def sentences(self) -> str:
        return " ".join(one.sentence for one in self.found)

    @property
    def marker(self) -> str:
        return f"[{self.key}]"

    def comment(self, id: int, user: int) -> dict[str, Any]:
        text = (
            f"@[User:{user}] {self.sentences} Rule {self.rule} asks for your approval before Amazon gets the order. Write a comment "
            "that begins with 'Approved', or one that begins with 'Rejected'; without an answer nothing is ordered. Until the order "
            f"is sent your last word counts. {self.marker}"
        )
        return {"document": ORDERS, "id": id, "text": text, "marker": self.marker}

    def asked_in(self, rows: Sequence[Json]) -> list[Json]:
        """Our comment; an answer that quotes it is none."""
        return [row for row in rows if self.marker in str(row.get("comments")) and _by(row) != self.login]

    def answer(self, rows: Sequence[Json], *, approved: bool) -> Answer | None:
        """The approver's last clear word: an approval of the requisition (`approved`), which is older than every comment on the PO,
        or a comment after the question. Of who was not asked, having approved the requisition, a later no counts all the same.
        Coupa says who wrote a comment, and gives later ones higher ids."""
        asked = [int(row["id"]) for row in self.asked_in(rows)]
        answers = [Answer("yes")] if approved else []
        for row in sorted((row for row in rows if _by(row) == self.login), key=lambda row: int(row["id"])):
            word, id = _word(row), int(row["id"])
            if word is not None and ((approved and not asked) or (asked and id > min(asked))):
                answers.append(Answer(word, id))
        return answers[-1] if answers else None


def _word(row: Json) -> Word | None:
    text = str(row.get("comments") or "").strip()
    if NO.match(text):
        return "no"
    return "yes" if YES.match(text) else None


def _by(comment: Json) -> str | None:
    return (comment.get("created-by") or {}).get("login")
