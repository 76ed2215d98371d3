"""Python's garbage collector looks less often while lines come, and as before afterwards."""

import gc

import pytest

from prodlogs.garbage import MANY, USUAL, fewer_collections


def test_it_looks_less_often_meanwhile():
    with fewer_collections():
        assert gc.get_threshold()[0] == MANY

    assert gc.get_threshold() == USUAL


def test_it_looks_as_before_after_an_error():
    with pytest.raises(ValueError, match="broke"), fewer_collections():
        raise ValueError("it broke")

    assert gc.get_threshold() == USUAL


def test_readers_within_readers_leave_it_as_it_was():
    with fewer_collections(), fewer_collections():
        pass

    assert gc.get_threshold() == USUAL
