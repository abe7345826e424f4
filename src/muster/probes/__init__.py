"""What a client of the system sees: the prober, a process of its own, and the ledger of its writes.

Belongs here: asking the service through its own address and recording what came of it. Judging that does not: see
`muster.verdict`. Import from the modules: a load generator needs one of them, and each import delays its start.

    outcomes   what may become of a request
    answers    what must stand in an answer
    exchange   one HTTP request over a new or a kept connection, bounded in time
    connection what it is sent over
    reply      reading the answer off the wire
    lateness   when the prober itself was late
    events     batches of events for the timeline
    plan       what a prober is told; `python -m muster.probes PLAN.json` runs it
    probing    the prober's own loop
    prober     starting and stopping it
    ledger     finding every write again after a recovery
    address    where the service answers
"""
