"""The report as one HTML file that opens from disk, made by the Allure 3 generator.

Belongs here: finding, installing and running the generator, the history from run to run, and the page that comes out.
What is told of a drill is in `muster.report.allure`.
"""

from muster.report.html.build import build
from muster.report.html.errors import ReportError
from muster.report.html.generator import install, is_installed

__all__ = ["ReportError", "build", "install", "is_installed"]
