"""The files by which Prometheus, Alertmanager and Grafana watch a system, written from its system.yaml and slo.yaml.

Belongs here: rules and their unit tests, what is scraped, who is told of what, dashboards, and whether files on the
disk are still those. Not here: asking a Prometheus or an Alertmanager (`muster.monitoring`), looking at a system
again and again (`muster.monitor`). docs/monitoring.md says what each file is for.

    series      service levels and workloads as series of Prometheus
    rules       recording rules and alerts
    rule_tests  unit tests of these, for promtool
    scraping    prometheus.yaml
    routing     alertmanager.yaml
    dashboards  what Grafana shows
    files       all of it, written or compared
    programs    a Prometheus and an Alertmanager of one's own on loopback, with these files
"""
