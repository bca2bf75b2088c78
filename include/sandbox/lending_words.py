"""Invented words for the generated lending applications. No person, firm or place is meant."""

from __future__ import annotations

FIRST_NAMES = (
    "Ada", "Bjarne", "Chiara", "Dmitri", "Élodie", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katalin", "Łukasz",
    "Mina", "Noor", "Ottilie", "Pia", "Quentin", "Rosa", "Søren", "Tamsin", "Umut", "Vera", "Wim", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abernal", "Brücker", "Castelow", "Dvorane", "Ekström", "Falconi", "Grünewalt", "Hartigan", "Ibsenius", "Jarvinet",
    "Kovalenn", "Lindqvest", "Morelle", "Nakatomi", "O'Rourkin", "Petrovan", "Quillard", "Rasmusson", "Sandovar",
    "Thornby", "Urbanek", "Valtierra", "Weissmuth", "Yilmazer", "Zandstra",
)  # fmt: skip
STREETS = (
    "Alder Row", "Birkenweg", "Canal Street", "Dyehouse Lane", "Elm Court", "Fährstraße", "Garden Terrace",
    "Harbour Road", "Ironmonger Hill", "Juniper Close", "Kirchgasse", "Lindenallee", "Millrace", "Orchard Way",
)  # fmt: skip
CITIES = (
    "Aldermoor", "Bad Quellen", "Castelvento", "Dunwick", "Eastermouth", "Fjordby", "Grimsholm", "Halvorsund",
    "Innsbrück-Süd", "Jarrowfield", "Königsau", "Lakeshore", "Montclair", "Northwold",
)  # fmt: skip
COUNTRIES = ("AT", "BE", "CZ", "DE", "DK", "ES", "FR", "IE", "IT", "NL", "NO", "PL", "SE")
REGIONS = ("North", "East", "South", "West", "Centre", "Coast")
EMPLOYERS = (
    "Aldermoor Foundry", "Brisk &amp; Sons Logistics", "Canal Works", "Delta Ceramics", "Ember Energy", "Fjord Foods",
    "Granite Insurance", "Halcyon Clinics", "Ironbridge Software", "Juniper Press", "Kestrel Air", "Lindqvest Timber",
)  # fmt: skip
OCCUPATIONS = (
    "Accountant", "Baker", "Carpenter", "Dispatcher", "Electrician", "Fitter", "Gardener", "Hydrologist", "Instructor",
    "Joiner", "Librarian", "Machinist", "Nurse", "Optician", "Planner", "Roofer", "Surveyor", "Teacher",
)  # fmt: skip
INDUSTRIES = ("Construction", "Education", "Energy", "Finance", "Health", "Logistics", "Manufacturing", "Retail")
LENDERS = (
    "Bank of Aldermoor",
    "Canal Credit Union",
    "Fjordbanken",
    "Granite Savings",
    "Kestrel Card",
    "Northwold Mutual",
)
PURPOSES = ("Vehicle purchase", "Home purchase", "Renovation", "Debt consolidation", "Education", "Equipment")
PRODUCTS = (("Car loan", "CAR01"), ("Mortgage", "MTG10"), ("Personal loan", "PER05"), ("Green loan", "GRN02"))
VEHICLES = (("Aquila", "Tern"), ("Boreal", "Fox 2"), ("Corvid", "Estate"), ("Dorado", "GT"), ("Elk", "Hauler"))
REASONS = ("R01", "R04", "R07", "R12", "R15", "R22", "R31")
NOTE_WORDS = (
    "account", "address", "agreed", "applicant", "appraisal", "approved", "branch", "called", "checked", "collateral",
    "confirmed", "consent", "contract", "customer", "document", "employer", "income", "letter", "missing", "original",
    "payment", "pending", "received", "requested", "reviewed", "scanned", "signed", "statement", "updated", "verified",
)  # fmt: skip
