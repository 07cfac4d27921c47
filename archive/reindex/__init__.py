"""An index made anew beside the old one and swapped in."""
