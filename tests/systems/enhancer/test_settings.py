"""Settings: what is valid is taken, what is not is refused in one sentence."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enhancer.live_settings import LiveSettings
from enhancer.settings import Settings, SettingsError, parse, version_of


def test_an_empty_file_means_the_defaults() -> None:
    assert parse(b"", {}, "settings.yaml") == Settings()


def test_the_environment_overrides_the_file() -> None:
    assert parse(b"admission_rate: 5", {"ENHANCER_ADMISSION_RATE": "7"}, "f").admission_rate == 7


def test_the_shipped_settings_are_valid() -> None:
    manifest = Path(__file__).parents[3] / "systems" / "enhancer" / "manifests" / "30-enhancer-settings.yaml"
    text = manifest.read_text().split("settings.yaml: |\n")[1]
    shipped = parse(text.encode(), {}, "settings.yaml")
    assert (shipped.admission_rate, shipped.hide_after_s) == (100, 0)
    assert shipped.agent_silent_s + shipped.heartbeat_s < shipped.agent_expiry_s, "a loss must be seen before it heals"


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        ("admission_rate: fast", {}, "f: admission_rate is 'fast', must be a number from 0 to 1e+06: requests/s"),
        ("admission_rate: -1", {}, "f: admission_rate is -1, must be a number from 0"),
        ("admission_rate: yes", {}, "f: admission_rate is True, must be a number"),
        ("read_connections: 2.5", {}, "f: read_connections is 2.5, must be a whole number from 1 to 50"),
        ("admision_rate: 1", {}, "f: unknown setting 'admision_rate' (there are: admission_burst_s, "),
        ("[1]", {}, "f: must be a mapping of settings, is a list"),
        ("a: [", {}, "f, line 1: not valid YAML: "),
        ("heartbeat_s: 2", {}, "f: agent_expiry_s is 2.5, must be more than three times heartbeat_s (2)"),
        ("", {"ENHANCER_ADMISSION_RATE": "fast"}, "ENHANCER_ADMISSION_RATE is 'fast', must be a number from 0"),
        ("hide_after_s: -1", {}, "f: hide_after_s is -1, must be a number from 0 to 1e+09: seconds"),
        ("phase_duration_s: 3601", {}, "f: phase_duration_s is 3601, must be a number from 0 to 3600"),
        ("admission_rate: .nan", {}, "f: admission_rate is nan, must be a number from 0"),
    ],
)
def test_what_is_wrong_is_named(text: str, environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(text.encode(), environment, "f")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=40))
def test_whatever_a_file_contains_it_is_settings_or_refused(text: bytes) -> None:
    try:
        assert isinstance(parse(text, {}, "f"), Settings)
    except SettingsError as error:
        assert str(error)


def test_a_broken_change_is_refused_and_the_last_good_settings_stay(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("admission_rate: 10")
    live = LiveSettings(file, {})
    heard: list[float] = []
    live.on_change(lambda settings: heard.append(settings.admission_rate))

    file.write_text("admission_rate: -5")
    live.look()
    assert live.error
    assert (live.current.admission_rate, live.version) == (10, version_of(b"admission_rate: 10"))

    file.write_text("admission_rate: 20")
    live.look()
    assert (live.current.admission_rate, live.error, heard) == (20, None, [20])
    assert live.version == version_of(b"admission_rate: 20")
