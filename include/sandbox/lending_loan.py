"""The loan side of a generated lending application, and the parts of it that no contract reads."""

from __future__ import annotations

import uuid

from include.sandbox import lending_words as words
from include.sandbox.lending_draw import Draw


def header(draw: Draw) -> str:
    """Who sent the document, in a namespace of its own."""
    message_id = uuid.UUID(int=draw.number(0, 1 << 48) << 80 | draw.number(0, 1 << 48), version=4)
    return (
        f"<m:Header>\n<m:MessageId>{message_id}</m:MessageId>\n<m:CreatedAt>{draw.moment(2024, 2025)}</m:CreatedAt>\n"
        f"<m:SourceSystem>{draw.pick(('branch', 'portal', 'broker'))}</m:SourceSystem>\n"
        "<m:SchemaVersion>4.2</m:SchemaVersion>\n</m:Header>\n"
    )


def application(draw: Draw, key: int, people: int, *, slim: bool) -> str:
    """The application proper: terms, decision, declarations and totals."""
    optional = "" if slim else _declarations(draw) + _totals(draw)
    return (
        f"<Application>\n<Number>LA-{key:010}</Number>\n<Type>{draw.pick(('new', 'increase', 'refinance'))}</Type>\n"
        f"<Channel>{draw.pick(('branch', 'online', 'broker'))}</Channel>\n"
        f"<Status>{draw.pick(('approved', 'declined', 'withdrawn', 'open'))}</Status>\n"
        f"<SubmittedOn>{draw.day(2024, 2025)}</SubmittedOn>\n<ReceivedAt>{draw.moment(2024, 2025)}</ReceivedAt>\n"
        f"<Purpose>{draw.pick(words.PURPOSES)}</Purpose>\n<BranchCode>{draw.digits(4)}</BranchCode>\n"
        f"<OfficerId>u{draw.digits(5)}</OfficerId>\n<Region>{draw.pick(words.REGIONS)}</Region>\n"
        f"<Priority>{draw.number(1, 6)}</Priority>\n<Campaign/>\n<Language>{draw.pick(('de', 'en', 'fr'))}</Language>\n"
        f"<ApplicantCount>{people}</ApplicantCount>\n{_loan(draw, slim=slim)}{_decision(draw, slim=slim)}{optional}"
        "</Application>\n"
    )


def _loan(draw: Draw, *, slim: bool) -> str:
    product, code = draw.pick(words.PRODUCTS)
    amount, months = draw.number(20, 4000) * 100, draw.number(1, 30) * 12
    fees = (
        ""
        if slim
        else f"<OriginationFee>{draw.money(0, 900)}</OriginationFee>\n"
        f"<InsuranceFee>{draw.money(0, 400)}</InsuranceFee>\n"
        f"<BrokerFee>0.00</BrokerFee>\n<TotalFees>{draw.money(0, 1500)}</TotalFees>\n"
        f"<ResidualValue>{draw.money(0, 9000)}</ResidualValue>\n<Ltv>{draw.money(20, 95)}</Ltv>\n"
    )
    return (
        f'<Loan>\n<Product>{product}</Product>\n<ProductCode>{code}</ProductCode>\n<Amount currency="EUR">{amount}.00'
        f"</Amount>\n<TermMonths>{months}</TermMonths>\n<AnnualRate>{draw.money(1, 9)}75</AnnualRate>\n"
        f"<RateType>{draw.pick(('fixed', 'variable'))}</RateType>\n<FirstPaymentOn>{draw.day(2025, 2026)}"
        f"</FirstPaymentOn>\n<PaymentDay>{draw.number(1, 29)}</PaymentDay>\n"
        f"<MonthlyPayment>{amount / months:.2f}</MonthlyPayment>\n<DownPayment>{draw.money(0, 9000)}</DownPayment>\n"
        f"{fees}<Apr>{draw.money(1, 10)}</Apr>\n</Loan>\n"
    )


def _decision(draw: Draw, *, slim: bool) -> str:
    score = draw.number(300, 850)
    approved = (
        ""
        if slim
        else f"<ReasonCode2>{draw.pick(words.REASONS)}</ReasonCode2>\n<ReasonCode3/>\n"
        f"<ApprovedAmount>{draw.money(2000, 400000)}</ApprovedAmount>\n"
        f"<ApprovedTermMonths>{draw.number(12, 360)}</ApprovedTermMonths>\n"
        f"<ApprovedRate>{draw.money(1, 9)}</ApprovedRate>\n<ExpiresOn>{draw.day(2025, 2026)}</ExpiresOn>\n"
    )
    return (
        f"<Decision>\n<Outcome>{'approved' if score > 450 else 'declined'}</Outcome>\n"
        f"<DecidedAt>{draw.moment(2024, 2025)}</DecidedAt>\n<DecidedBy>u{draw.digits(5)}</DecidedBy>\n"
        f"<Score>{score}</Score>\n<ScoreCard>SC-{draw.number(1, 9)}</ScoreCard>\n<RiskGrade>{draw.pick('ABCDE')}"
        f"</RiskGrade>\n<ReasonCode1>{draw.pick(words.REASONS)}</ReasonCode1>\n{approved}"
        f"<AutoDecision>{draw.flag(0.6)}</AutoDecision>\n<PolicyException>{draw.flag(0.1)}</PolicyException>\n"
        "</Decision>\n"
    )


def _declarations(draw: Draw) -> str:
    names = (
        "Bankruptcy", "Judgments", "Foreclosure", "Lawsuit", "CoSigner", "PrimaryResidence", "DownPaymentBorrowed",
        "ForeignResident", "DelinquentDebt",
    )  # fmt: skip
    return "<Declarations>\n" + "".join(f"<{name}>{draw.flag(0.1)}</{name}>\n" for name in names) + "</Declarations>\n"


def _totals(draw: Draw) -> str:
    return (
        f"<Totals>\n<MonthlyIncome>{draw.money(1500, 12000)}</MonthlyIncome>\n"
        f"<MonthlyExpenses>{draw.money(500, 6000)}</MonthlyExpenses>\n"
        f"<TotalAssets>{draw.money(0, 900000)}</TotalAssets>\n"
        f"<TotalLiabilities>{draw.money(0, 300000)}</TotalLiabilities>\n"
        f"<DebtToIncome>{draw.money(0, 90)}</DebtToIncome>\n</Totals>\n"
    )


def collateral(draw: Draw, count: int) -> str:
    """Vehicles and properties that secure the loan."""
    return "<Collateral>\n" + "".join(_item(draw) for _ in range(count)) + "</Collateral>\n"


def _item(draw: Draw) -> str:
    if draw.chance(0.6):
        make, model = draw.pick(words.VEHICLES)
        kind = "vehicle"
        thing = (
            f"<Vehicle>\n<Make>{make}</Make>\n<Model>{model}</Model>\n<Year>{draw.number(2005, 2025)}</Year>\n"
            f"<Vin>WHR{draw.digits(14)}</Vin>\n<MileageKm>{draw.number(0, 250000)}</MileageKm>\n</Vehicle>\n"
        )
    else:
        kind = "property"
        thing = (
            f"<Property>\n<Type>{draw.pick(('flat', 'house'))}</Type>\n<AreaSqm>{draw.number(25, 300)}.5</AreaSqm>\n"
            f"<BuiltYear>{draw.number(1890, 2025)}</BuiltYear>\n<Rooms>{draw.number(1, 12)}</Rooms>\n"
            f"<LandRegister>LR-{draw.digits(8)}</LandRegister>\n</Property>\n"
        )
    return (
        f'<Item kind="{kind}">\n<Description>{draw.pick(words.CITIES)} {kind}</Description>\n'
        f"<Value>{draw.money(1000, 600000)}</Value>\n<ValuedOn>{draw.day(2023, 2025)}</ValuedOn>\n"
        f"<ValuationMethod>{draw.pick(('expert', 'index', 'list'))}</ValuationMethod>\n"
        f"<LienPosition>{draw.number(1, 4)}</LienPosition>\n<Insured>{draw.flag(0.9)}</Insured>\n"
        f"<InsuranceExpiresOn>{draw.day(2025, 2027)}</InsuranceExpiresOn>\n{thing}</Item>\n"
    )


def liabilities(draw: Draw, count: int) -> str:
    """Debts that the applicants have already."""
    return "<Liabilities>\n" + "".join(_liability(draw) for _ in range(count)) + "</Liabilities>\n"


def _liability(draw: Draw) -> str:
    return (
        f"<Liability>\n<Type>{draw.pick(('card', 'loan', 'lease', 'mortgage'))}</Type>\n"
        f"<Lender>{draw.pick(words.LENDERS)}</Lender>\n<AccountRef>{draw.digits(10)}</AccountRef>\n"
        f"<Balance>{draw.money(0, 90000)}</Balance>\n<CreditLimit>{draw.money(500, 90000)}</CreditLimit>\n"
        f"<MonthlyPayment>{draw.money(10, 900)}</MonthlyPayment>\n<OpenedOn>{draw.day(2005, 2024)}</OpenedOn>\n"
        f"<MaturesOn>{draw.day(2025, 2045)}</MaturesOn>\n<RatePercent>{draw.money(1, 15)}</RatePercent>\n"
        f"<ToBeRefinanced>{draw.flag(0.2)}</ToBeRefinanced>\n<Secured>{draw.flag(0.4)}</Secured>\n</Liability>\n"
    )


def unmapped(draw: Draw, size_bytes: int) -> str:
    """Credit report lines and notes of about `size_bytes`: what fills real documents, and no contract reads."""
    if size_bytes < 200:
        return ""
    report_bytes, notes_bytes = int(size_bytes * 0.7), int(size_bytes * 0.3)
    lines: list[str] = []
    while report_bytes > 0:
        lines.append(_trade_line(draw))
        report_bytes -= len(lines[-1])
    notes: list[str] = []
    while notes_bytes > 0:
        text = " ".join([draw.pick(words.NOTE_WORDS) for _ in range(draw.number(8, 40))])
        notes.append(f'<Note at="{draw.moment(2024, 2025)}" by="u{draw.digits(5)}">{text}</Note>\n')
        notes_bytes -= len(notes[-1])
    return f"<CreditReport>\n{''.join(lines)}</CreditReport>\n<Notes>\n{''.join(notes)}</Notes>\n"


def _trade_line(draw: Draw) -> str:
    return (
        f'<TradeLine id="{draw.digits(12)}">\n<Lender>{draw.pick(words.LENDERS)}</Lender>\n'
        f"<Opened>{draw.day(2000, 2024)}</Opened>\n<Balance>{draw.money(0, 50000)}</Balance>\n"
        f"<Limit>{draw.money(0, 50000)}</Limit>\n<Late30>{draw.number(0, 4)}</Late30>\n<Late60>0</Late60>\n"
        f"<Late90>0</Late90>\n<Status>{draw.pick(('open', 'closed'))}</Status>\n"
        f"<Pattern>{draw.digits(15)}{draw.digits(9)}</Pattern>\n</TradeLine>\n"
    )
