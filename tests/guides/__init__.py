"""The guides' commands, as the help pages translate them, run on sample data:
`python -m tests.guides`.
"""
