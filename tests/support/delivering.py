"""Documents given to a target as its plugin would get them, and what became of them."""

from __future__ import annotations

import io
import json


def run_over(target, documents):
    """Let a target take documents and deliver what is due; return counts by kind and outcome.

    Raises:
        SystemExit: The target says that something is held or down.
    """
    lines = []
    for document in documents:
        kind = type(document).kind
        lines.append({"type": "SCHEMA", "stream": kind, "schema": {"properties": {}}, "key_properties": []})
        lines.append({"type": "RECORD", "stream": kind, "record": document.model_dump(mode="json")})
    summaries = []
    finished = target.process_endofpipe

    def process_endofpipe():
        try:
            finished()
        finally:
            summaries.append(target._delivery._run.summary)

    target.process_endofpipe = process_endofpipe
    target.listen(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)))
    counts = summaries[0].counts
    found = {kind: {outcome: count for outcome, count in each.items() if count} for kind, each in counts.items()}
    # Input lines that nobody could read are counted beside the documents, in every run.
    return {kind: each for kind, each in found.items() if each or kind != "unreadable_lines"}
