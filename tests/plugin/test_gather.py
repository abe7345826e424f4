"""What the cluster says of a drill, put into few words."""

from __future__ import annotations

from muster.plugin.gather import event_lines, images


def test_images_are_told_with_the_digests_under_which_they_run() -> None:
    def pod(image: str, image_id: str) -> dict[str, object]:
        return {"status": {"containerStatuses": [{"image": image, "imageID": image_id}]}}

    pods = [pod("api:1", "registry/api@sha256:b"), pod("api:1", "sha256:a"), pod("db:2", ""), {"status": {}}]
    assert images(pods) == {"api:1": ["sha256:a", "sha256:b"], "db:2": []}


def test_events_are_in_order_of_time_and_counted() -> None:
    about = {"involvedObject": {"kind": "Pod", "name": "api"}, "type": "Warning"}
    lines = event_lines([
        {**about, "lastTimestamp": "2020-01-01T00:00:02Z", "reason": "BackOff", "message": "restarting\n", "count": 3},
        {**about, "eventTime": "2020-01-01T00:00:01Z", "reason": "Killing", "message": "stopping", "count": None},
    ])  # fmt: skip
    assert lines == [
        "2020-01-01T00:00:01Z  Warning  Pod api  Killing: stopping",
        "2020-01-01T00:00:02Z  Warning  Pod api  BackOff: restarting (x3)",
    ]
