"""From objects of Kubernetes to a first set of drills: what is found, and the files that are written for it.

Belongs here: guessing, and saying what was guessed. What is written is the user's from then on, and read by
`muster.system` and pytest like anything that a person wrote. Nothing here touches a cluster but to read, and no Secret
is ever read.
"""

from muster.onboarding.files import File, files_for, write
from muster.onboarding.finding import Found, find
from muster.onboarding.objects import export, objects_of_directory, objects_of_namespace

__all__ = ["File", "Found", "export", "files_for", "find", "objects_of_directory", "objects_of_namespace", "write"]
