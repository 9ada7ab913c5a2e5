from policykit import load, testing

test_laws = testing.laws(load("policies/"))
test_nobody_missed = testing.no_eligible_missed(load("policies/"))
