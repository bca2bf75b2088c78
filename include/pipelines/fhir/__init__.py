"""From FHIR resources to flat, typed tables, through SQL-on-FHIR views."""
