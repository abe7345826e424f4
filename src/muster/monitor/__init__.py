"""`muster monitor`: a system looked at again and again, and people told of what changes.

Belongs here: when a finding becomes an alert and when it is over, remembering that, telling it, and the figures for
Prometheus. Not here: what is looked at (`muster.snapshot`), what is wrong (`muster.checks`, `muster.diagnosis`), the
files for Prometheus and Alertmanager (`muster.alerting`). docs/monitoring.md says what it does.

    levels    when a finding becomes an alert, and of which severity: pure
    look      what one look shows: pure
    memory    alerts, where each stands and what was told of it, in the store
    telling   who is told: the interface, and that of incidents
    posting   notices to people, by the outbox
    sending   an Alertmanager, told by its API
    metrics   figures for Prometheus
    monitor   the loop
    text      what a person sees of it
"""
