"""What the core needs from the outside, one module per port, words of the domain."""
