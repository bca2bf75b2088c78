"""Applicants of a generated lending application, with their addresses and employments."""

from __future__ import annotations

from include.sandbox import lending_words as words
from include.sandbox.lending_draw import Draw


def applicants(draw: Draw, key: int, count: int, *, slim: bool) -> str:
    """The first is the primary applicant, with one or two addresses; `slim` leaves optional parts out."""
    people = "".join(_applicant(draw, key, position, slim=slim) for position in range(count))
    return f"<Applicants>\n{people}</Applicants>\n"


def _applicant(draw: Draw, key: int, position: int, *, slim: bool) -> str:
    role = "primary" if position == 0 else "co-applicant"
    addresses = _address(draw, "current")
    if position == 0 and not slim and draw.chance(0.7):
        addresses += _address(draw, "previous")
    return (
        f'<Applicant role="{role}" id="{key}-{position + 1}">\n'
        f"{_identity(draw, slim=slim)}{_finances(draw, slim=slim)}"
        f"<Addresses>\n{addresses}</Addresses>\n"
        f"<Employments>\n{_employment(draw, slim=slim)}</Employments>\n"
        "</Applicant>\n"
    )


def _identity(draw: Draw, *, slim: bool) -> str:
    first, last = draw.pick(words.FIRST_NAMES), draw.pick(words.LAST_NAMES)
    middle = f"<Middle>{draw.pick(words.FIRST_NAMES)}</Middle>\n" if draw.chance(0.3) else ""
    document = (
        ""
        if slim
        else f'<IdDocument type="{draw.pick(("passport", "id-card", "licence"))}">\n<Number>{draw.digits(9)}</Number>\n'
        f"<ExpiresOn>{draw.day(2026, 2035)}</ExpiresOn>\n</IdDocument>\n"
    )
    return (
        f"<Name>\n<Title>{draw.pick(('Mr', 'Ms', 'Dr', ''))}</Title>\n<First>{first}</First>\n{middle}"
        f"<Last>{last}</Last>\n<Suffix/>\n</Name>\n"
        f"<BirthDate>{draw.day(1950, 2004)}</BirthDate>\n<BirthCountry>{draw.pick(words.COUNTRIES)}</BirthCountry>\n"
        f"<Gender>{draw.pick(('F', 'M', 'X'))}</Gender>\n"
        f"<MaritalStatus>{draw.pick(('single', 'married', 'divorced', 'widowed'))}</MaritalStatus>\n"
        f"<Dependants>{draw.number(0, 5)}</Dependants>\n<Citizenship>{draw.pick(words.COUNTRIES)}</Citizenship>\n"
        f"<Residency>{draw.pick(('citizen', 'permanent', 'temporary'))}</Residency>\n{document}"
        f"<TaxNumber>{draw.digits(11)}</TaxNumber>\n"
        f"<Contact>\n<Email>applicant{draw.digits(6)}@example.com</Email>\n<Mobile>+49 15{draw.digits(9)}</Mobile>\n"
        f"<HomePhone>+49 30 {draw.digits(7)}</HomePhone>\n<Preferred>{draw.pick(('email', 'phone'))}</Preferred>\n"
        "</Contact>\n"
    )


def _finances(draw: Draw, *, slim: bool) -> str:
    bank = (
        ""
        if slim
        else f"<Bank>\n<Iban>DE{draw.digits(20)}</Iban>\n<Since>{draw.day(1995, 2024)}</Since>\n</Bank>\n"
        f"<CreditScore>{draw.number(300, 850)}</CreditScore>\n<CreditScoreOn>{draw.day(2024, 2025)}</CreditScoreOn>\n"
    )
    return (
        f"{bank}<Consent>\n<Marketing>{draw.flag(0.3)}</Marketing>\n<Credit>true</Credit>\n"
        f"<SignedAt>{draw.moment(2024, 2025)}</SignedAt>\n</Consent>\n"
        f"<MonthlyIncome>{draw.money(1500, 9000)}</MonthlyIncome>\n<OtherIncome>{draw.money(0, 900)}</OtherIncome>\n"
    )


def _address(draw: Draw, kind: str) -> str:
    street, number = draw.pick(words.STREETS), draw.number(1, 240)
    until = "<Until/>" if kind == "current" else f"<Until>{draw.day(2020, 2024)}</Until>"
    return (
        f'<Address kind="{kind}">\n<Line1>{street} {number}</Line1>\n<Line2/>\n<Street>{street}</Street>\n'
        f"<HouseNumber>{number}</HouseNumber>\n<City>{draw.pick(words.CITIES)}</City>\n"
        f"<Region>{draw.pick(words.REGIONS)}</Region>\n<PostalCode>{draw.digits(5)}</PostalCode>\n"
        f"<Country>{draw.pick(words.COUNTRIES)}</Country>\n<Since>{draw.day(2000, 2020)}</Since>\n{until}\n"
        f"<MonthsThere>{draw.number(1, 300)}</MonthsThere>\n"
        f"<OwnershipStatus>{draw.pick(('owner', 'tenant', 'family'))}</OwnershipStatus>\n"
        f"<MonthlyCost>{draw.money(300, 2500)}</MonthlyCost>\n<Verified>{draw.flag(0.8)}</Verified>\n</Address>\n"
    )


def _employment(draw: Draw, *, slim: bool) -> str:
    details = (
        ""
        if slim
        else f"<Bonus>{draw.money(0, 5000)}</Bonus>\n<Commission>{draw.money(0, 800)}</Commission>\n"
        f"<PayFrequency>{draw.pick(('monthly', 'weekly'))}</PayFrequency>\n<Phone>+49 40 {draw.digits(7)}</Phone>\n"
        f"<City>{draw.pick(words.CITIES)}</City>\n<Country>{draw.pick(words.COUNTRIES)}</Country>\n"
        f"<Verified>{draw.flag(0.7)}</Verified>\n<VerifiedOn>{draw.day(2024, 2025)}</VerifiedOn>\n"
    )
    gross = draw.number(2000, 9000)
    return (
        f'<Employment status="current">\n<Employer>{draw.pick(words.EMPLOYERS)}</Employer>\n'
        f"<Occupation>{draw.pick(words.OCCUPATIONS)}</Occupation>\n<Industry>{draw.pick(words.INDUSTRIES)}</Industry>\n"
        f"<ContractType>{draw.pick(('permanent', 'fixed-term', 'self-employed'))}</ContractType>\n"
        f"<StartedOn>{draw.day(2000, 2024)}</StartedOn>\n<EndedOn/>\n<MonthsThere>{draw.number(1, 280)}</MonthsThere>\n"
        f"<HoursPerWeek>{draw.number(20, 41)}.5</HoursPerWeek>\n<GrossMonthly>{gross}.00</GrossMonthly>\n"
        f"<NetMonthly>{gross * 0.64:.2f}</NetMonthly>\n{details}</Employment>\n"
    )
