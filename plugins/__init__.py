"""What Airflow loads from its plugins folder; the operators are imported by their full name."""
