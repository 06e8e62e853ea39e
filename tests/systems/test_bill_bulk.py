from __future__ import annotations

import concurrent.futures
import threading

import pytest
from waiting import PATIENCE

from ml_connector.errors import OutcomeUnknown, Rejected
from ml_connector.systems.bill.bulk import BillPost
from ml_connector.systems.bill.writes import Written


class Book:
    """Takes requests one at a time, and only when it is let to.

    Attributes:
        sent: The bills of each request.
        bad: Bills that are refused.
        fault: What the next request raises.
    """

    def __init__(self):
        self.sent = []
        self.bad = set()
        self.fault = None
        self.gate = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.under_way = 0
        self.most_under_way = 0

    def create_many(self, bodies):
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.sent.append([body["n"] for body in bodies])
        self.begun.release()
        assert self.gate.acquire(timeout=PATIENCE)
        self.under_way -= 1
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return [
            Rejected("bill", "POST", f"{body['n']} is bad") if body["n"] in self.bad else Written(body["n"], "", "")
            for body in bodies
        ]

    def wait_for_request(self):
        assert self.begun.acquire(timeout=PATIENCE)


@pytest.fixture
def book():
    """A book whose gate is closed."""
    return Book()


@pytest.fixture
def pool():
    """Threads enough for all bills of a test."""
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        yield threads


def hand_in(pool, post, numbers):
    """Hand in bills from a thread each, and wait until all of them stand in line."""
    futures = [pool.submit(post.create, {"n": number}) for number in numbers]
    while len(post._waiting) < len(futures):
        threading.Event().wait(0.005)
    return futures


def test_a_bill_that_comes_alone_goes_out_at_once(book):
    """Nobody waits for company."""
    book.gate.release()
    assert BillPost(book).create({"n": 1}).value == 1
    assert book.sent == [[1]]


def test_what_comes_meanwhile_goes_out_together(book, pool):
    """In order, no more than allowed, one request at a time; each thread gets its own bill's answer."""
    post = BillPost(book, most=3)
    first = pool.submit(post.create, {"n": 0})
    book.wait_for_request()
    others = hand_in(pool, post, range(1, 6))
    book.gate.release(3)
    assert [future.result(20).value for future in (first, *others)] == [0, 1, 2, 3, 4, 5]
    assert [len(together) for together in book.sent] == [1, 3, 2]
    assert sorted(number for together in book.sent for number in together) == list(range(6))
    assert book.most_under_way == 1


def test_each_bill_has_its_own_outcome(book, pool):
    """A refused one raises in its thread alone."""
    post, book.bad = BillPost(book), {2}
    first = pool.submit(post.create, {"n": 0})
    book.wait_for_request()
    others = hand_in(pool, post, [1, 2, 3])
    book.gate.release(2)
    assert first.result(20).value == 0
    assert [type(future.exception(20)) for future in others] == [type(None), Rejected, type(None)]


@pytest.mark.parametrize("fault", [OutcomeUnknown("bill", "POST", "lost"), TypeError("a mistake of ours")])
def test_a_request_that_fails_as_a_whole_fails_for_all_of_it_and_the_next_goes_on(book, pool, fault):
    """Nobody is left waiting."""
    post, book.fault = BillPost(book), fault
    first = pool.submit(post.create, {"n": 0})
    book.wait_for_request()
    others = hand_in(pool, post, [1, 2])
    book.gate.release(2)
    assert first.exception(20) is fault
    assert [future.result(20).value for future in others] == [1, 2]
    book.gate.release()
    assert post.create({"n": 9}).value == 9
