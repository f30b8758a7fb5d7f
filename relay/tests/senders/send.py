"""Sends with Apprise: reads a list of notifications as JSON, writes whether each was said to be sent."""

import json
import sys

import apprise

outcomes = []
for said in json.load(sys.stdin):
    sender = apprise.Apprise()
    taken = sender.add(said["url"])
    # The outcome of a notification is true where all was sent.
    sent = taken and sender.notify(
        title=said["title"],
        body=said["body"],
        notify_type=said.get("type", "info"),
        body_format=said.get("format"),
    )
    outcomes.append(bool(sent))
json.dump(outcomes, sys.stdout)
