"""The command line: its options, what it shows, and its commands."""
