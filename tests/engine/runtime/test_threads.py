"""Stages of a stream that work at the same time: order, errors and ends are those of one after the other."""

import threading

import pytest

from engine.runtime.threads import Behind, Lookahead, ahead, overlapped


def test_items_come_in_order_from_another_thread():
    made = list(ahead((number, threading.current_thread().name) for number in range(3)))
    assert [number for number, _ in made] == [0, 1, 2]
    assert {name for _, name in made} == {"fluxstem-ahead"}


def test_no_more_than_asked_for_is_made_ahead():
    made = []
    source = ahead((made.append(number), number)[1] for number in range(100))
    assert next(source) == 0
    source.close()
    assert len(made) <= 5  # one taken, two waiting, one at the door, and what was begun when the end came


def test_an_error_of_the_source_is_raised_where_its_items_are_taken():
    def source():
        yield 1
        raise ValueError("no more")

    taken = []
    with pytest.raises(ValueError, match="no more"):
        taken.extend(ahead(source()))
    assert taken == [1]


def test_a_source_that_is_left_early_is_closed_and_its_thread_ends():
    closed = threading.Event()

    def source():
        try:
            yield from range(1_000)
        finally:
            closed.set()

    items = ahead(source())
    next(items)
    items.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "fluxstem-ahead"]


def test_nested_stages_end_together():
    closed = threading.Event()

    def source():
        try:
            yield from range(1_000)
        finally:
            closed.set()

    def doubled():
        inner = ahead(source())
        try:
            for number in inner:
                yield 2 * number
        finally:
            inner.close()

    outer = ahead(doubled())
    assert [next(outer), next(outer)] == [0, 2]
    outer.close()
    assert closed.is_set()


def test_results_are_made_ahead_once_and_may_be_asked_for_again():
    made, later = [], threading.Event()

    def make(number):
        made.append(number)
        if number == 2:
            later.set()
        return number * number

    with Lookahead(make, 5, depth=1) as results:
        assert results.of([0, 1]) == [0, 1]
        assert later.wait(10)  # 2 was not asked for
        assert results.of([0]) == [0]  # half of the batch, after it did not fit
        assert results.of([1, 2, 3, 4]) == [1, 4, 9, 16]
    assert sorted(made) == [0, 1, 2, 3, 4]


def test_an_error_is_raised_with_the_result_that_it_kept_from_being():
    with Lookahead(lambda number: 1 // (1 - number), 3) as results:
        assert results.of([0]) == [1]
        with pytest.raises(ZeroDivisionError):
            results.of([1])


def test_what_is_done_behind_is_done_in_order_and_its_error_is_told():
    done = []

    def fail():
        raise ValueError("broken")

    with Behind() as behind:
        for number in range(5):
            behind.do(lambda number=number: done.append(number))
    assert done == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="broken"), Behind() as behind:
        behind.do(fail)


def test_as_many_items_are_in_work_as_was_said_and_they_come_in_order():
    both, at_work, most = threading.Barrier(2, timeout=10), [], []

    def work(number):
        at_work.append(number)
        most.append(len(at_work))
        if number < 4:
            both.wait()  # ends only if another one is in work too
        at_work.remove(number)
        return number * number

    assert list(overlapped(iter(range(4)), work, 2)) == [(0, 0), (1, 1), (2, 4), (3, 9)]
    assert max(most) == 2
    most.clear()
    assert list(overlapped(iter(range(4, 9)), work, 1)) == [(number, number * number) for number in range(4, 9)]
    assert max(most) == 1
    assert list(overlapped(iter(()), work, 2)) == []


def test_an_error_comes_at_the_turn_of_its_item_and_no_other_one_is_begun():
    begun = []

    def work(number):
        begun.append(number)
        if number == 1:
            raise ValueError("broken")
        return number

    answers = overlapped(iter(range(6)), work, 2)
    assert next(answers) == (0, 0)
    with pytest.raises(ValueError, match="broken"):
        next(answers)
    assert set(begun) <= {0, 1, 2}
