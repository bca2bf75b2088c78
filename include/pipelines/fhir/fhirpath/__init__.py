"""FHIRPath, as far as views need it: an expression is compiled once, to closures over plain JSON values."""
