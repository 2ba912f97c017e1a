"""Articles and sellers of our own invention, in the places a mid-size company orders from.

Prices are Amazon's unit prices in US dollars, net of tax. UNSPSC codes are real codes; nothing else is.
"""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.seed import Json


@dataclass(frozen=True, slots=True)
class Seller:
    """`registration`: in Japan, the number on its invoices."""

    name: str
    city: str
    state: str
    postal_code: str
    credentials: tuple[str, ...] = ()
    street: str = "9 Sample St"
    country: str = "US"
    registration: str = ""

    def to_wire(self) -> Json:
        address: Json = {
            "addressLine1": self.street,
            "city": self.city,
            "stateOrRegion": self.state,
            "postalCode": self.postal_code,
            "countryCode": self.country,
        }
        wire: Json = {"name": self.name, "primaryAddress": address}
        if self.credentials:
            agency: Json = {"agencyName": "Sample Council", "certificateExpirationDate": "2030-06-30T00:00:00Z"}
            details = [{"certificateType": kind, "certifyingAgenciesDetails": [agency]} for kind in self.credentials]
            wire["credentials"] = {"types": list(self.credentials), "details": details}
        return wire


AMAZON = Seller("Amazon.com", "Seattle", "WA", "98109")
PEN_TRADERS = Seller("Pen Traders LLC", "Reno", "NV", "89501", ("Women-Owned Business",))
BENCHWORKS = Seller("Benchworks Scientific", "Madison", "WI", "53703", ("Classified Small Business",))
PANTRY = Seller("Corner Pantry Co", "Portland", "OR", "97201", ("Minority-Owned Business",))
VOLTLINE = Seller("Voltline Supply", "Denver", "CO", "80202")
SELLERS = {seller.name: seller for seller in (AMAZON, PEN_TRADERS, BENCHWORKS, PANTRY, VOLTLINE)}


@dataclass(frozen=True, slots=True)
class Article:
    asin: str
    title: str
    category: str
    unspsc: str
    price: Decimal
    seller: Seller
    unit: str = "EA"
    condition: str = "New"


def _article(row: str) -> Article:
    asin, title, category, unspsc, price, seller, unit = (part.strip() for part in row.split("|"))
    return Article(asin, title, category, unspsc, Decimal(price), SELLERS[seller], unit)


ARTICLES = tuple(
    _article(row)
    for row in """
    B0QX10001A | Gel pens, blue, 12 pack | Office Product | 44121704 | 11.49 | Pen Traders LLC | PK
    B0QX10002B | Copy paper, letter, 10 reams | Office Product | 14111507 | 46.80 | Amazon.com | CS
    B0QX10003C | Sticky notes, 24 pads | Office Product | 14111530 | 15.29 | Pen Traders LLC | PK
    B0QX10004D | Label printer, thermal | Office Product | 44103100 | 139.00 | Amazon.com | EA
    B0QX10005E | Ring binders, 2 inch, 6 pack | Office Product | 44122003 | 24.95 | Amazon.com | PK
    B0QX10006F | Shipping labels, 1000 sheets | Office Product | 14111537 | 31.99 | Pen Traders LLC | BX
    B0QX10007G | Desk organizer, steel mesh | Office Product | 44111500 | 27.45 | Amazon.com | EA
    B0QX10008H | Whiteboard markers, 36 pack | Office Product | 44121708 | 19.87 | Pen Traders LLC | PK
    B0QX20001A | USB-C docking station | Personal Computer | 43211602 | 189.99 | Voltline Supply | EA
    B0QX20002B | Monitor, 27 inch | Personal Computer | 43211902 | 279.00 | Amazon.com | EA
    B0QX20003C | Wireless mouse | Personal Computer | 43211708 | 24.99 | Voltline Supply | EA
    B0QX20004D | Mechanical keyboard | Personal Computer | 43211706 | 74.50 | Voltline Supply | EA
    B0QX20005E | Cat 6 patch cable, 3 m, 10 pack | Electronics | 43223309 | 21.90 | Amazon.com | PK
    B0QX20006F | External SSD, 1 TB | Personal Computer | 43201803 | 94.99 | Amazon.com | EA
    B0QX20007G | AA batteries, 100 pack | Electronics | 26111702 | 38.75 | Amazon.com | BX
    B0QX20008H | Rechargeable lithium pack | Electronics | 26111711 | 43.20 | Voltline Supply | EA
    B0QX30001A | Nitrile gloves, box of 100 | Lab Supply | 41104100 | 13.95 | Benchworks Scientific | BX
    B0QX30002B | Beaker set, borosilicate | Lab Supply | 41121803 | 42.60 | Benchworks Scientific | EA
    B0QX30003C | Pipette tips, 960 | Lab Supply | 41121607 | 33.15 | Benchworks Scientific | BX
    B0QX30004D | Digital scale, 0.01 g | Lab Supply | 41111517 | 86.00 | Benchworks Scientific | EA
    B0QX30005E | Centrifuge tubes, 50 ml, 500 | Lab Supply | 41121703 | 118.40 | Benchworks Scientific | CS
    B0QX40001A | Ground coffee, 2 kg | Grocery | 50201706 | 34.99 | Corner Pantry Co | EA
    B0QX40002B | Green tea, 100 bags | Grocery | 50201711 | 12.30 | Corner Pantry Co | BX
    B0QX40003C | Mixed nuts, 12 bags | Grocery | 50101716 | 22.49 | Corner Pantry Co | PK
    B0QX40004D | Paper towels, 12 rolls | Health and Personal Care | 14111703 | 28.99 | Amazon.com | PK
    B0QX40005E | Toilet paper, 48 rolls | Health and Personal Care | 14111704 | 39.95 | Amazon.com | CS
    B0QX40006F | Dishwasher tablets, 110 | Health and Personal Care | 47131810 | 21.37 | Amazon.com | BX
    B0QX40007G | Hand soap, 4 liters | Health and Personal Care | 53131608 | 18.60 | Amazon.com | EA
    B0QX50001A | Safety glasses, 12 pairs | Industrial | 46181802 | 29.40 | Amazon.com | BX
    B0QX50002B | First aid kit, 200 pieces | Industrial | 42172001 | 36.85 | Amazon.com | EA
    B0QX50003C | High visibility vests, 10 | Industrial | 46181507 | 41.10 | Amazon.com | PK
    B0QX60001A | LED tube lamp, 4 ft, 10 pack | Lighting | 39101600 | 89.90 | Voltline Supply | CS
    B0QX60002B | Task chair | Furniture | 56112102 | 214.00 | Amazon.com | EA
    B0QX60003C | Folding table, 6 ft | Furniture | 56101519 | 78.25 | Amazon.com | EA
    B0QX60004D | Monitor, 24 inch, with disposal fee | Personal Computer | 43211902 | 169.00 | Amazon.com | EA
    B0QX70001A | Statistics handbook | Book | 55101509 | 58.33 | Amazon.com | EA
    B0QX70002B | Safety poster set | Book | 60121000 | 17.15 | Pen Traders LLC | EA
    B0QX80001A | Tool set, 120 pieces | Tools | 27113200 | 96.70 | Voltline Supply | EA
    B0QX80002B | Cable ties, 1000 | Tools | 31162800 | 14.05 | Voltline Supply | BX
    B0QX80003C | Storage bins, 12 pack | Industrial | 24112404 | 52.00 | Amazon.com | PK
    """.strip().splitlines()
)
