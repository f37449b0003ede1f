//! The practice agent: a small ACP agent of ours that needs no account and no network. It turns the words of a request
//! into a simple but real page, step by step, so that a newcomer sees the whole loop before signing anything in. It
//! says plainly what it is, and it understands little: what it does not understand, it puts on the page.

mod agent;
mod brief;
mod page;
mod render;
mod words;
mod work;

pub use agent::{practice_main, practice_stdio};
