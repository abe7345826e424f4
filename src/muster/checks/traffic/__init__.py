"""How requests reach pods: Services, Ingresses, and what programs say of those that they ask."""
