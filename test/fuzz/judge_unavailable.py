"""How Schemathesis judges a 503 of a check, for schemathesis.toml.

A check may ask to wait for an event, or for figures that are new enough. An event that was never sent is not counted in
time, and the answer that says so is right also while every engine is up. No other 503 is.
"""

import schemathesis

WAITS = ("after", "minFreshnessMs")


@schemathesis.check
def unavailable_only_where_waited_for(ctx, response, case):
    if response.status_code != 503:
        return
    body = case.body if isinstance(case.body, dict) else {}
    assert any(name in body for name in WAITS) and "in time; try again" in response.text, response.text
