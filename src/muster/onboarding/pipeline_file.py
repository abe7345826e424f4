"""The pipeline file that is written: drills on every change and every night, on GitHub or GitLab."""

from __future__ import annotations

from pathlib import Path

WHERE = {"github": Path(".github/workflows/drills.yml"), "gitlab": Path("ci/drills.gitlab-ci.yml")}

GITHUB = """\
# Drills of {name}, on the embedded cluster: on every change, and every night. Written by `muster init`.
name: drills
on:
  pull_request:
  schedule:
    - cron: "17 2 * * *"
  workflow_dispatch:

permissions:
  contents: read

jobs:
  drills:
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install 'pytest-muster[embedded]'
      - run: muster run drills --require all
      - if: always()
        run: muster summary --format markdown >> "$GITHUB_STEP_SUMMARY"
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: reports
          path: reports
"""

GITLAB = """\
# Drills of {name}, on the embedded cluster. Written by `muster init`. In .gitlab-ci.yml:
#   include: [{{local: ci/drills.gitlab-ci.yml}}]
drills:
  image: python:3.11
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_PIPELINE_SOURCE == "schedule"
  timeout: 1h
  script:
    - pip install 'pytest-muster[embedded]'
    - muster run drills --require all
  artifacts:
    when: always
    paths: [reports]
"""


def pipeline_file(kind: str, *, name: str) -> str:
    """The text of the file for `github` or `gitlab`."""
    return (GITHUB if kind == "github" else GITLAB).format(name=name)


def guessed(root: Path) -> str:
    """Which of them a project uses: GitLab where its file is there, else GitHub."""
    return "gitlab" if (root / ".gitlab-ci.yml").is_file() else "github"
