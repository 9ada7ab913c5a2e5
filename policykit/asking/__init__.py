"""What to ask of a half-filled household, what a decision turns on, and who is close to a line."""
