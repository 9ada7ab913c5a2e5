"""What is measured against what; run with `make bench`."""
