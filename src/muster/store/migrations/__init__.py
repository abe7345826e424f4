"""Alembic's environment, and the steps from one form of the tables to the next. A step once released is not edited."""
