"""What Headrace is made of, apart from what Airflow itself loads."""
