"""The field's words as frozen values: no Qt, no torch, no files; numpy only."""
