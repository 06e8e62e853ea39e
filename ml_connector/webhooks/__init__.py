"""Events: systems ring, the pipeline that reads the object is woken, and a ring counts only as done when it was seen.

Read in this order: ``doorbell`` (what a ring is), ``bill`` (one system's room), ``receiver`` (answering),
``store`` (durable first), ``waking`` (one run at a time), ``closing`` (was it seen?), ``health`` (subscriptions).
"""
