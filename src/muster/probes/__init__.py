"""What a client of the system sees: the prober, a process of its own, and the ledger of its writes.

Belongs here: asking the service through its own address and recording what came of it. Judging that does not: see
`muster.verdict`. Import from the modules: a load generator needs one of them, and each import delays its start.

    outcomes     what may become of a request
    answers      what must stand in an answer
    reading      whether an answer is right
    exchange     one HTTP request over a new or a kept connection, bounded in time
    connection   what it is sent over
    reply        reading the answer off the wire
    lateness     when the prober itself was late
    rhythm       how often a probe asks, more so around the edges of an outage
    events       batches of events for the timeline
    plan         what a prober is told; `python -m muster.probes PLAN.json` runs it
    probing      the prober's own loop
    prober       starting and stopping it
    address      where the service answers

The ledger of writes (docs/ledger.md):

    protocol     what a class of the user's own must have; public
    store        where writes go, whatever that is
    http_store   over HTTP
    driver_store by a class of the user's own, which `loading` finds and `driven` calls in threads
    stores       which of the two
    one_write    one write, read back, at once
    written      the ledger of a timeline
    ledger       finding every write again after a recovery
    listing      many of them by few requests
    cleaning     removing them when all is judged
"""
