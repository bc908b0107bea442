"""What charts are drawn with: style, fonts, placement."""
