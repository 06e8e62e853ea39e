"""The delivery ledger: what was read, what was posted, what is held and why, and the proof of it.

Read in this order: ``schema`` (the tables), ``store`` (opening, group commit), ``intake`` (records in), ``entries``
(claiming and settling), ``judge`` (what to do with a document), ``delivery`` (doing it), ``audit`` (the chain).
"""
