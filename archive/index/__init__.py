"""The index: engines, schema, migrations, full text, leases. Only it knows databases' dialects."""
