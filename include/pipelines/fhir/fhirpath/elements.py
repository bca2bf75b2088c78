"""What the FHIR specification (R4 and R5) says of element names: which may have several types, which hold moments.

JSON holds no types, and views need few: to find `value` in `valueQuantity`, and to compare moments as moments.
"""

from __future__ import annotations

from collections.abc import Iterator

_PRIMITIVES = (
    "base64Binary boolean canonical code date dateTime decimal id instant integer integer64 markdown oid positiveInt "
    "string time unsignedInt uri url uuid"
)
PRIMITIVES = frozenset((*_PRIMITIVES.split(), "xhtml"))
TEMPORAL = frozenset({"date", "dateTime", "instant", "time"})

_ANY_TYPE = (
    "Address Age Annotation Attachment Availability CodeableConcept CodeableReference Coding ContactDetail "
    "ContactPoint Contributor Count DataRequirement Distance Dosage Duration Expression ExtendedContactDetail "
    "HumanName Identifier Meta Money ParameterDefinition Period Quantity Range Ratio RatioRange Reference "
    f"RelatedArtifact SampledData Signature Timing TriggerDefinition UsageContext {_PRIMITIVES}"
)

_CHOICES = {
    "defaultValue fixed pattern value": _ANY_TYPE,
    "additive chargeItem code definingSubstance diagnosis entity indication instance item medication procedure product "
    "statusReason substance substanceDefinition topic": "CodeableConcept Reference",
    "abatement onset performed": "Age Period Range dateTime string",
    "actor instantiates": "Reference canonical",
    "address": "ContactPoint ExtendedContactDetail string url",
    "age": "Age CodeableConcept Range string",
    "allowed": "CodeableConcept Money boolean string unsignedInt",
    "amount": "Quantity Range Ratio string",
    "answer": "Coding Quantity Reference boolean date dateTime decimal integer string time",
    "artifact": "Reference canonical uri",
    "asNeeded": "CodeableConcept boolean",
    "author manufacturer": "Reference string",
    "born": "Period date string",
    "bounds": "Duration Period Range",
    "characteristic": "CodeableConcept Quantity",
    "citeAs instruction": "Reference markdown",
    "collected created date identified occurred time": "Period dateTime",
    "concentration presentation strength": "CodeableConcept Quantity Ratio RatioRange",
    "content": "Attachment CodeableConcept Reference string",
    "cost": "CodeableConcept Money",
    "coverage": "Period Timing",
    "deceased": "Age Range boolean date dateTime string",
    "definition": "CodeableConcept DataRequirement Expression Reference TriggerDefinition canonical uri",
    "detail": "CodeableConcept Quantity Range Ratio boolean integer string",
    "dose instances": "Quantity Range",
    "doseNumber seriesDoses": "positiveInt string",
    "due": "Duration date",
    "duration": "Quantity Range string",
    "effective": "Period Timing dateTime instant",
    "endpoint name": "Reference url",
    "event": "CodeableConcept Coding Reference canonical dateTime id uri",
    "example": "boolean canonical",
    "fastingStatus": "CodeableConcept Duration",
    "generatedBy": "Identifier Reference",
    "legallyBinding": "Attachment Reference",
    "link sourceScope structureProfile targetScope": "canonical uri",
    "location": "Address CodeableConcept Reference",
    "maxValue minValue": "Quantity date dateTime decimal instant integer integer64 positiveInt time unsignedInt",
    "measureScore": "CodeableConcept Duration Period Quantity Range dateTime",
    "minimumVolume": "Quantity string",
    "module": "CodeableConcept canonical uri",
    "multipleBirth": "boolean integer",
    "network": "Reference string uri",
    "occurence": "Period Timing dateTime",
    "occurrence": "Age Period Range Timing dateTime string",
    "offset": "Duration Range",
    "participantEffective studyEffective": "Duration Period Timing dateTime",
    "period": "Duration Period date string",
    "probability": "Range decimal",
    "quantity rate": "Quantity Range Ratio",
    "reported": "Reference boolean",
    "scheduled": "Period Timing string",
    "sequence": "CodeableConcept Reference string",
    "serviced": "Period date",
    "source": "Attachment Reference canonical markdown string uri url",
    "start": "CodeableConcept date",
    "subject": "CodeableConcept Reference canonical",
    "target": "Identifier Reference canonical uri",
    "targetItem": "Identifier positiveInt string",
    "timing": "Age Duration Period Range Reference Timing date dateTime",
    "used": "Money string unsignedInt",
    "versionAlgorithm": "Coding string",
    "when": "Period Range dateTime",
}
"""Types by the names of the elements that take them; together, since every part of a resource is met by name only."""

_MOMENTS = {
    "date": "approvalDate birthDate excludingDate lastReviewDate nextScheduled",
    "dateTime": "articleDate authored authoredOn cancellationDate completionTime countingDateTime created creation "
    "date dateAccessed dateAsserted dateOfDiagnosis dateOfFirstAuthorization dateOfService dateTime dateWritten "
    "detected effectiveTime end endDate enteredDate expirationDate expiry installDate internationalBirthDate "
    "lastOccurrence lastPerformed lastRevisionDate manufactureDate paymentDate plannedEndDate plannedStartDate "
    "preparedDate presentationDate publicationDate received receivedTime recorded recordedDate recordedOn releaseDate "
    "restoreDate sent start started statusChanged statusDate timestamp useBy validTo validationDate verificationDate "
    "whenHandedOver whenPrepared",
    "instant": "calculatedAt ifModifiedSince issued lastModified lastUpdated",
    "time": "availableEndTime availableStartTime closingTime openingTime timeOfDay",
}
"""Of a name that holds a date here and a dateTime there, the wider one."""


def typed_name(name: str, type_name: str) -> str:
    """How JSON spells an element of one of its types: `valueQuantity`."""
    return name + type_name[0].upper() + type_name[1:]


def _pairs(table: dict[str, str]) -> Iterator[tuple[str, str]]:
    for names, types in table.items():
        for name in names.split():
            for type_name in types.split():
                yield name, type_name


DATATYPES = PRIMITIVES | set(_ANY_TYPE.split())

CHOICES: dict[str, frozenset[str]] = {}
"""The spellings of each element that may have several types."""

TYPE_OF_NAME: dict[str, str] = {}
"""Types of elements whose name alone tells them, as far as it matters here."""

for _name, _type in _pairs(_CHOICES):
    CHOICES[_name] = CHOICES.get(_name, frozenset()) | {typed_name(_name, _type)}
    # What stands beside a primitive: its id and extensions.
    CHOICES[f"_{_name}"] = CHOICES.get(f"_{_name}", frozenset()) | {f"_{typed_name(_name, _type)}"}
    TYPE_OF_NAME[typed_name(_name, _type)] = _type
TYPE_OF_NAME |= {_name: _type for _type, _name in _pairs(_MOMENTS)}
