"""The floor that knows sqlite3: files, locks, transactions, SQL."""
