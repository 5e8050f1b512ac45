"""The declared options of each built-in job: the command line and the forms are made from them."""
