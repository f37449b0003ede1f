//! Renders the page for the two starters. Whatever the words hold, they are text: escaped for where they stand.

mod html;
mod react;

pub(crate) use html::{STYLE, page as html_page};
pub(crate) use react::page as react_page;

/// Said on every page.
pub(crate) const FOOTER: &str = "Made by the practice agent of Loopwright.";
pub(crate) const EXAMPLE_HOURS: &str = "These are example hours. Ask for yours and they will change.";
pub(crate) const THANKS: &str = "Thank you. We have received it.";

#[cfg(test)]
mod tests;
