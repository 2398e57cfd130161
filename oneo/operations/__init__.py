"""The verbs. Each takes the actor first, asks the policy, does the work, and leaves an event of what it changed."""
