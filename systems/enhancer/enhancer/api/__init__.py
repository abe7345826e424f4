"""The API: clients hand in workflows here and see what became of them."""
