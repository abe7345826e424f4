"""The databases: connections that follow the primary, the schema, and every SQL statement of the system."""
