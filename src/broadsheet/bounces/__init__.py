"""Returned mail, and what a server's reply means.

Reads delivery status notifications (RFC 3464, 6533), complaints (RFC 5965), the reports of qmail
and Exim, reports in no standard form, and unsubscribe mails (RFC 2369); `formats` has a module for
each. Anyone can send such a mail, so it is not expected to be well formed. `verdict` has the rules
for replies, which `delivery` uses too. Who the subscriber is, and what happens, is decided in
`delivery.returned_mail`.
"""
