"""Values in a customer's words: numbers, dates, times, choices, names, yes and no.

Imports the pack; interpretation and the models of agent/understanding import it.
"""
