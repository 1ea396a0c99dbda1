"""The proofs of the errata, by document; ``proof_problem`` has what they run on."""
