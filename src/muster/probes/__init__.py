"""What a client of the system sees: the prober, a process of its own, and the ledger of its writes.

Belongs here: asking the service through its own address and recording what came of it. Judging that does not: see
`muster.verdict`. Import from the modules: a load generator needs one of them, and each import delays its start.

Rooms, of which each imports only from those above it:

    http      how it is asked: a request, its connection, its outcome
    answers   what is asked, and whether an answer is right
    ledger    where writes go, and finding them again
    prober    who asks all the time; `python -m muster.probes PLAN.json` runs it

`protocol` is what a class of the user's own must have to be a ledger; public.
"""
