"""Handoffs to people: routing to a queue or a call-back, and the webhook of a helpdesk.

Imports the core and the store; the runtime decides when it is called.
"""
