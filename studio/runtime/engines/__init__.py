"""One engine per file format of weights."""
