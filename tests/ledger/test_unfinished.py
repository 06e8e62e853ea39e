"""What the target has, but not as it is to be: held in its words, and taken up again by every run."""

from __future__ import annotations

import pytest
from ledger_bench import FAST
from ledger_doubles import InvoiceSink, bill, timeout

from ml_connector.delivery.sink import Delivered, Found


class Posting(InvoiceSink):
    """A sink that is to post what it creates, and may not be let."""

    refusal = "an approval is missing"

    def create(self, document):
        """Create it as a draft."""
        super().create(document)
        return self._done(document, f"wid-{document.external_id}")

    def update(self, document, target_id, previous):
        """Try to post it."""
        self.target.writes.append(("update", document.external_id))
        return self._done(document, target_id)

    def find(self, document):
        """Find it as a draft that is not posted."""
        found = super().find(document)
        return found and Found(found.target_id, found.external_id, draft=True, unfinished="it is a draft")

    def _done(self, document, target_id):
        return Delivered(target_id, document.external_id, draft=bool(self.refusal), unfinished=self.refusal)


@pytest.fixture
def posting(bench):
    """A bench whose target has taken a bill, and does not post it."""
    bench.invoices = Posting(bench.target)
    bench.take(bill("1"))
    return bench


def test_it_is_held_in_the_targets_words(posting):
    """It counts as created, and the reason is shown."""
    assert posting.deliver() == {"created": 1}
    entry = posting.entry("1")
    assert (entry.state, entry.target_id) == ("held", "wid-BILL-1")
    assert [reason.what for reason in entry.reasons] == ["an approval is missing"]
    assert ("supplier_invoices", "unfinished", "an approval is missing") in {
        reason[:3] for reason in posting.last.summary.reasons
    }


def test_each_run_takes_it_up_until_it_is_done(posting):
    """Nothing else is created meanwhile; afterwards it is left alone."""
    posting.deliver()
    assert posting.deliver() == {"held": 1}
    posting.invoices.refusal = None
    assert posting.deliver() == {"updated": 1}
    assert posting.entry("1").state == "posted"
    assert posting.deliver() == {}
    assert posting.target.writes == [("create", "BILL-1"), ("update", "BILL-1"), ("update", "BILL-1")]


def test_after_a_lost_answer_it_is_brought_to_its_end_in_the_same_run(posting):
    """It is found unfinished."""
    posting.invoices.refusal = None
    posting.target.fail_after(timeout())
    posting.deliver(FAST)
    assert posting.target.writes == [("create", "BILL-1"), ("update", "BILL-1")]
    assert posting.entry("1").state == "posted"
