"""Examples in docstrings print only what they say.

Under pytest MNE also logs its warnings, and importing braindecode 1.8 with MNE 1.13 makes
one. So it is imported before the first example.
"""

import braindecode_bolt.models  # noqa: F401
