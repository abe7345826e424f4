"""Names that both sides of the Kubernetes API share. No behaviour: shared behaviour would hide common bugs."""
