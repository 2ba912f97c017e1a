"""What Airflow needs to run the pipelines: connections, hooks, retry policy, forms, notices. No rule of the business lives here."""
