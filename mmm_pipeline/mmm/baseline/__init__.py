"""The mean without media: components that are linear in their coefficients, one module each."""
