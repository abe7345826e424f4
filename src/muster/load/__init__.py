"""Load: Locust files run at a requested open-loop rate.

Belongs here: finding and running a load profile, and what a profile imports. What the load saw is judged elsewhere, see
`muster.verdict`. Import from the modules: `openloop` imports Locust, which patches the process that it is in.

    profiles     the Locust files that there are
    stages       what a load does by the clock, for `load(stages=[...])`
    run          running a file as a subprocess
    openloop     what a Locust file imports: kinds of users
    declared     whether a file can be run so, and what to write instead
    generator    the one schedule of that process, which gives each turn to a kind
    schedule     when each request is meant to be sent
    steering     who decides on the rate: stages, owner, fault, ceiling
    allowance    what the loads of one drill may send together
    gate         the ceiling, request by request
    record       what is written onto the timeline
    acknowledged what the service promised to keep, so that the load can prove it lost
    connection   HTTP over connections that are renewed
    request_line what a task asks for, put so that it can be sent
    destination  where the load goes
    only_way     nothing else in its process connects
"""
