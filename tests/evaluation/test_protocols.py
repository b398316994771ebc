import pytest

from braindecode_bolt.evaluation import PROTOCOLS, make_protocol
from braindecode_bolt.splits import GapSplit, GroupSplit, TransferSplit


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_has_a_splitter_and_says_what_it_is_about(name):
    tasks = ("rest", "film") if PROTOCOLS[name].make.__code__.co_argcount == 3 else ()
    splitter = make_protocol(name, 4, *tasks)
    assert hasattr(splitter, "split") and hasattr(splitter, "validation_rows")
    assert len(PROTOCOLS[name].summary) > 10
    if hasattr(splitter, "n_splits"):
        assert splitter.n_splits == 4


def test_names_and_splitters():
    assert make_protocol("subjects", 3).by == "subject"
    assert isinstance(make_protocol("within"), GapSplit)
    assert make_protocol("joint", 3, "rest", "film").joint
    assert isinstance(make_protocol("zero-shot", 3, "rest", "film"), TransferSplit)
    given = GroupSplit("run")
    assert make_protocol(given) is given
