import re

import pytest

from braindecode_bolt.cli.messages import _OPTIONS, in_options
from braindecode_bolt.cli.parser import build_parser


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Fill them with missing='fill'.", "Fill them with --missing fill."),
        ("give n_slices, or tr", "give --n-slices, or tr"),
        ("(n_slices=32).", "(--n-slices 32)."),
        ('choose segment="longest"', "choose --segment longest"),
        ("n_splits=9, but there are 3 subjects", "--folds 9, but there are 3 subjects"),
        ("a missing value in the region", "a missing value in the region"),
        ("use --n-slices", "use --n-slices"),
        ("such as atlas='difumo64', or a file", "such as --atlas difumo64, or a file"),
        ("replace it (overwrite=True).", "replace it (--overwrite)."),
        ("the name with the argument marker.", "the name with the option --marker."),
        ("give pattern='(?P<subject>.+)_x'.", "give --pattern '(?P<subject>.+)_x'."),
        ("bold='*_bold.nii.gz', or", "--bold '*_bold.nii.gz', or"),
    ],
)
def test_arguments_become_options(message, shown):
    assert in_options(message) == shown


def test_they_are_options_of_a_command(capsys):
    for command in ("evaluate", "train", "predict"):
        with pytest.raises(SystemExit):
            build_parser().parse_args([command, "--help"])
    listed = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert set(_OPTIONS.values()) <= listed
