"""People found now and then and followed by their looks between."""
