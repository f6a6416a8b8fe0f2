"""Delivery: issues to subscribers, with no one left out and no one mailed twice.

From the database up: `database`, `files`, `addresses`; `subscribers`, with `lists`, `personal_data`
and `returned_mail`; the ledger in `claims`, `issues`, `locks`, `pacing` and `ledger`; each reader's
mail in `mail`, with `tokens`; how it is sent in `transports`; the connections of a run in `batcher`
and `sending`; what workers on several machines share in `jobs` and `worker`; and a run from its
request to its report in `planning`.
"""
