"""SQL-on-FHIR views: a ViewDefinition is checked, compiled once, and turns resources into rows of a typed table."""
