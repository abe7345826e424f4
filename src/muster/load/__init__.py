"""Load: Locust files run at a requested open-loop rate.

Belongs here: finding and running a load profile, and what a profile imports. What the load saw is judged elsewhere, see
`muster.verdict`. Import from the modules: `openloop` imports Locust, which patches the process that it is in.

    profiles     the Locust files that there are
    run          running one as a subprocess
    openloop     what a Locust file imports
    schedule     when each request is meant to be sent
    connection   HTTP over connections that are renewed
"""
