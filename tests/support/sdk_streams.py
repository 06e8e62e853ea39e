"""The SDK's files of warehouse streams, each beside a stream of documents: alone they would be refused."""

from __future__ import annotations

import io
import json

from singer_sdk.testing.runners import TargetTestRunner

__all__ = ["DOCUMENTS", "beside_documents"]

DOCUMENTS = json.dumps({"type": "SCHEMA", "stream": "suppliers", "schema": {"properties": {}}, "key_properties": []})
"""The line that announces a stream every target takes."""


def beside_documents(monkeypatch):
    """Put the announcement of documents before whatever the SDK's tests send."""
    execute = TargetTestRunner._execute_sync

    def run(self, *, target, target_input, **options):
        text = f"{DOCUMENTS}\n{target_input.read() if target_input else ''}"
        return execute(self, target=target, target_input=io.StringIO(text), **options)

    monkeypatch.setattr(TargetTestRunner, "_execute_sync", run)
