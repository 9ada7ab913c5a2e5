"""Two rule sets over the same households: equal, or who gains and who loses."""
