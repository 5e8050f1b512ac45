"""Export to the Grove Vision AI V2 module (Ethos-U55)."""
