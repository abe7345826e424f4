"""The screen of the dashboard: it draws what `muster.dashboard.view` says, and asks before a key acts."""
