"""The proof that a fault always comes back: who struck is killed, or kept from the API, and what is left is looked at.
And that people are told: who sends is killed, and what has not arrived is looked for.

Stands beside the package and is imported by nobody. What judges a trial reads the cluster by itself, with the official
client, and knows nothing of the code that undoes.
"""
