"""Answers that go on: watches, logs, and the connections of exec and port-forward."""
