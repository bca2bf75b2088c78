"""What several pipelines use to reach the outside. It knows no pipeline and no Airflow."""
