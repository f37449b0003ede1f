//! The program of the window.

fn main() {}
