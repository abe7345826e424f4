"""`muster --help`: the commands by what somebody is about to do, in one screen."""

from __future__ import annotations

import click

from muster.cli.codes import Group

SECTIONS = {
    "Drills": (
        *("run", "plan", "check", "verdict", "summary", "analyse", "report", "history", "scorecard"),
        *("stop", "undo", "guard"),
    ),
    "Emergencies": (
        *("diagnose", "status", "monitor", "recover", "procedures", "backup", "restore"),
        *("incident", "notify", "indicators", "audit", "manual"),
    ),
    "Releases": ("ready", "gate", "deploy", "rollback"),
    "Your system": ("init", "setup", "experiments", "loads", "keep", "monitoring"),
    "The embedded cluster, and this command": ("up", "down", "images", "completion"),
}
LIMIT = 64  # columns of a summary


class Commands(Group):
    """All commands, shown in sections; each stands in one."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():  # without a line between them: all of it is read in one screen
            found = [(name, command) for name in names if (command := self.get_command(ctx, name)) is not None]
            formatter.write_heading(section)
            with formatter.indentation():
                formatter.write_dl([(name, command.get_short_help_str(LIMIT)) for name, command in found])
