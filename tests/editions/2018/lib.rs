//! Nothing: the test beside the other tests of the attribute is what this package compiles under its edition.
