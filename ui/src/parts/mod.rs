//! Pieces that several pages are made of.

pub mod attempt;
pub mod blob;
pub mod confirm;
pub mod icons;
pub mod ring;
pub mod stars;
pub mod states;
pub mod time;
pub mod transcript;
