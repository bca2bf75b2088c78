"""The engine: moves the records of a batch, and knows no Airflow, no vendor and no pipeline."""
