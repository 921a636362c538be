"""Does the policy call a person when one is needed, in time, and not for nothing?

`hearken evaluate escalation` lives here (agent/lab/evaluation/escalation/command.py): how well
people's dissatisfaction can be told from a conversation at all, and what the pack's rules make of
the same conversations, turn by turn."""
