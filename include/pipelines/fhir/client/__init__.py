"""FHIR R4 over HTTP: search, read, create, delete and Bulk Data."""
