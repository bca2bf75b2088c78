"""Tables that go out: the original columns, the generated ones and the errors, in the order of the input."""
