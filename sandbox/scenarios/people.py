"""The company's people: who asks for things, who buys, who pays; the same people in Amazon Business and in Coupa."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """`cost_center` is the accounting value that coding on Amazon orders and Coupa accounts share."""

    id: int
    login: str
    first: str
    last: str
    department: str
    cost_center: str
    manager: str | None = None
    address: str | None = None  # where it is not the company's own form

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        return self.address or f"{self.login}@example.com"


COST_CENTERS = {
    "4100": "Facilities",
    "4200": "Engineering",
    "4300": "Laboratory",
    "4400": "Marketing",
    "4500": "People and Culture",
    "4900": "Finance",
}
MANAGERS = (
    Person(601, "helen.osei", "Helen", "Osei", "Facilities", "4100"),
    Person(602, "viktor.lind", "Viktor", "Lind", "Engineering", "4200", "helen.osei"),
    Person(603, "grace.abara", "Grace", "Abara", "Laboratory", "4300", "helen.osei"),
)
REQUESTERS = (
    Person(611, "jane.doe", "Jane", "Doe", "Facilities", "4100", "helen.osei"),
    Person(612, "marco.silva", "Marco", "Silva", "Facilities", "4100", "helen.osei"),
    Person(613, "priya.nair", "Priya", "Nair", "Engineering", "4200", "viktor.lind"),
    Person(614, "tomas.berg", "Tomas", "Berg", "Engineering", "4200", "viktor.lind"),
    Person(615, "aiko.mori", "Aiko", "Mori", "Laboratory", "4300", "grace.abara"),
    Person(616, "daniel.roth", "Daniel", "Roth", "Laboratory", "4300", "grace.abara"),
    Person(617, "lucia.ferro", "Lucia", "Ferro", "Marketing", "4400", "helen.osei"),
    Person(618, "sam.okoye", "Sam", "Okoye", "People and Culture", "4500", "helen.osei"),
)
BUYER = Person(621, "buyer", "Ana", "Buyer", "Finance", "4900", "helen.osei")
AP_LEAD = Person(622, "ap.lead", "Ann", "Lee", "Finance", "4900", "helen.osei")
AP_CLERK = Person(623, "ap.clerk", "Noah", "Reyes", "Finance", "4900", "ap.lead")
CATALOG_ADMIN = Person(624, "catalog.admin", "Mira", "Kovac", "Finance", "4900", "helen.osei")
API_USER = Person(629, "amazon.integration", "Amazon", "Integration", "Finance", "4900")
NEWCOMER = Person(641, "nina.weiss", "Nina", "Weiss", "Marketing", "4400", "helen.osei")  # not in Amazon's group yet
PEOPLE = (*MANAGERS, *REQUESTERS, BUYER, AP_LEAD, AP_CLERK, CATALOG_ADMIN, API_USER)


def person_by_email(email: str) -> Person | None:
    return next((person for person in PEOPLE if person.email == email.strip().lower()), None)
