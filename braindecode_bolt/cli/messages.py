"""Error messages in the words of the command line."""

from __future__ import annotations

import re
import shlex

from .data_options import MARKER_OPTIONS

#: Arguments of Python that are options of the command, by the option's name.
_OPTIONS = {
    **{name: f"--{name.replace('_', '-')}" for name in MARKER_OPTIONS},
    "atlas": "--atlas",
    "bold": "--bold",
    "cache_dir": "--cache",
    "cv": "--cv",
    "derivatives": "--derivatives",
    "eeg": "--eeg",
    "eeg_root": "--eeg-root",
    "head": "--head",
    "high_pass": "--high-pass",
    "low_pass": "--low-pass",
    "montage": "--montage",
    "overwrite": "--overwrite",
    "n_splits": "--folds",
    "n_jobs": "--jobs",
    "pattern": "--pattern",
    "protocol": "--protocol",
    "reader": "--reader",
    "rois": "--rois",
    "subjects": "--subjects",
    "tasks": "--tasks",
    "voxel_mm": "--voxel-mm",
    "unknown_channels": "--unknown-channels",
}
_NAMES = "|".join(sorted(_OPTIONS, key=len, reverse=True))
# Names of one word are also words; they are options only in front of a value.
_SNAKE_CASE = "|".join(name for name in _OPTIONS if "_" in name)
_ARGUMENT = re.compile(rf"\bargument ({_NAMES})\b(?!=)")
_GIVEN = re.compile(rf"(?<![\w-])({_NAMES})=(?:'([^']*)'|\"([^\"]*)\"|(\S*))")
_NAMED = re.compile(rf"(?<![\w-])({_SNAKE_CASE})(?![\w(=])")


def in_options(message: str) -> str:
    """Write arguments of Python as options of the command.

    Parameters
    ----------
    message : str
        Message of an error.

    Returns
    -------
    str
        ``missing='fill'`` has become ``--missing fill``, and ``n_slices`` has become
        ``--n-slices``.

    Examples
    --------
    >>> in_options("Give n_slices, or missing='fill'.")
    'Give --n-slices, or --missing fill.'
    """
    message = message.replace("load(folder, models=[...])", "--own module:name")

    def given(match: re.Match[str]) -> str:
        # What was written in quotes may have characters that a shell reads otherwise.
        quoted = next((text for text in match.groups()[1:3] if text), "")
        value = shlex.quote(quoted) if quoted else match[4] or ""
        if value.startswith("True"):  # A switch: it takes no value.
            return _OPTIONS[match[1]] + value.removeprefix("True")
        return f"{_OPTIONS[match[1]]} {value}".rstrip()

    message = _ARGUMENT.sub(lambda match: f"option {_OPTIONS[match[1]]}", message)
    message = _GIVEN.sub(given, message)
    return _NAMED.sub(lambda match: _OPTIONS[match[1]], message)
