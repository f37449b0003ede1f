//! Pieces that several pages are made of.

pub mod attempt;
pub mod blob;
pub mod confirm;
pub mod copy;
pub mod hand_over;
pub mod icons;
pub mod knew;
pub mod plain;
pub mod ring;
pub mod stars;
pub mod states;
pub mod time;
pub mod transcript;
