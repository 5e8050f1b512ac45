"""The window. Qt lives here and nowhere else; heavy libraries never do."""
