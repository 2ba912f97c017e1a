"""How the company codes its spend: GL accounts by commodity, commodities by UNSPSC segment, accounts by segments.

UNSPSC segments are the first two digits of the eight-digit code; their names here are the company's commodity names.
"""

COMPANY = "10"
CHART = "US Chart"
GL_ACCOUNTS = {
    "6100": "Office supplies",
    "6200": "IT equipment and accessories",
    "6300": "Laboratory supplies",
    "6400": "Kitchen, food and cleaning",
    "6500": "Safety equipment",
    "6600": "Books and training",
    "6700": "Furniture and fixtures",
    "6800": "Freight and handling",
    "6810": "Invoice rounding",
    "6850": "Regulatory fees",
    "6900": "Other purchases",
}
UNCATEGORISED = "Uncategorised"
COMMODITIES = {  # UNSPSC segment -> (commodity name, GL account)
    "10": ("Plants and Seeds", "6900"),
    "14": ("Paper Products", "6100"),
    "24": ("Storage and Handling", "6900"),
    "26": ("Power and Batteries", "6200"),
    "27": ("Tools", "6900"),
    "30": ("Building Supplies", "6700"),
    "31": ("Fasteners and Adhesives", "6900"),
    "39": ("Lighting and Electrical", "6700"),
    "40": ("Heating and Plumbing", "6900"),
    "41": ("Laboratory Equipment", "6300"),
    "42": ("Medical Supplies", "6500"),
    "43": ("Information Technology", "6200"),
    "44": ("Office Supplies", "6100"),
    "46": ("Safety and Security", "6500"),
    "47": ("Cleaning Supplies", "6400"),
    "48": ("Food Service Equipment", "6400"),
    "49": ("Sports and Recreation", "6900"),
    "50": ("Food and Beverage", "6400"),
    "52": ("Household Appliances", "6400"),
    "53": ("Apparel and Personal Care", "6900"),
    "54": ("Gifts and Timepieces", "6900"),
    "55": ("Published Products", "6600"),
    "56": ("Furniture", "6700"),
    "60": ("Arts, Crafts and Education", "6600"),
}


def commodity_for(unspsc: str) -> str:
    """The company's commodity for a UNSPSC code; `Uncategorised` where the code is blank or its segment unknown."""
    return COMMODITIES.get(unspsc[:2], (UNCATEGORISED, ""))[0]


def gl_account_for(unspsc: str) -> str:
    return COMMODITIES.get(unspsc[:2], ("", "6900"))[1]


def account_code(cost_center: str, gl_account: str) -> str:
    return f"{COMPANY}-{cost_center}-{gl_account}"
