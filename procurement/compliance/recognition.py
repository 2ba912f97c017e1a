"""Who is a contracted or preferred seller: the suppliers of valid contracts and the file's own list, by spelling. Pure.

Neither gives an address, so the same name word for word (80 points, but for legal form and case) has to suffice."""

from collections.abc import Callable
from datetime import date

from procurement.compliance.contracts import Agreements
from procurement.compliance.rules import ComplianceFile
from procurement.sellers.identity import KnownParties, Party, Recognition


def recogniser(agreements: Agreements, file: ComplianceFile, day: date) -> Callable[[Party], Recognition]:
    """Answers for a seller; each spelling and place is compared once."""
    names = [contract.supplier_name for contract in agreements.valid_on(day) if contract.supplier_name]
    known = KnownParties(
        (Party(name, key=name) for name in dict.fromkeys([*file.preferred_sellers, *names])),
        thresholds=file.recognition,
    )
    answers: dict[Party, Recognition] = {}

    def recognise(seller: Party) -> Recognition:
        if seller not in answers:
            answers[seller] = known.recognise(seller)
        return answers[seller]

    return recognise
