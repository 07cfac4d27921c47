"""The index: engine, schema, migrations, full text, leases. Only it knows SQLite's dialect."""
