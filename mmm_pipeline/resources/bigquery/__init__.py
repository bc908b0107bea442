"""BigQuery: names, one client with deadlines and cost limits, tables. Google's packages are imported when used."""
