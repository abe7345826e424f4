"""What tells clients which types there are: discovery and OpenAPI."""
