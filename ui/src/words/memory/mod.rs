//! The memory in words.

#[cfg(test)]
pub(crate) mod sample;
