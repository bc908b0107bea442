"""What media does: adstock and saturation."""
