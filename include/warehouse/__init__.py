"""The target database: tables, loaders, records, rejects, ledger. It knows no Airflow and no pipeline."""
