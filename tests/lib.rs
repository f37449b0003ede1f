//! Whole-system tests live beside this file, one file each.
