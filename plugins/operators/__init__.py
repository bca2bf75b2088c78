"""The Airflow side of a pipeline: three operators, their settings and connections."""
