"""Tables that come in: CSV and XLSX, planned as ranges of rows and read by range."""
