//! Leptos' effects, lists and dynamic views behind boxed closures: each closure then costs a vtable instead of its own
//! copy of the whole reactive machinery (about 3 kB of wasm each).

use leptos::prelude::*;
use std::sync::Arc;

/// Runs now and whenever a signal that it read has moved.
pub fn effect(run: impl FnMut() + 'static) {
    boxed_effect(Box::new(run));
}

fn boxed_effect(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_| run());
}

/// A part of the page that is made anew when what it read has moved.
pub fn part<V: IntoView + 'static>(
    make: impl Fn() -> V + Send + 'static,
) -> Box<dyn FnMut() -> AnyView + Send> {
    Box::new(move || make().into_any())
}

/// As `collect_view`, but every list on every page is of one type, so that its machinery is there once.
pub trait Views: Iterator {
    fn views(self) -> Vec<AnyView>;
}

impl<V: IntoView + 'static, I: Iterator<Item = V>> Views for I {
    fn views(self) -> Vec<AnyView> {
        self.map(IntoAny::into_any).collect()
    }
}

/// One of a list: what names it among the others, and how it is made when it is new.
struct Item {
    key: String,
    make: Box<dyn FnOnce() -> AnyView + Send>,
}

/// A list whose items stay on the page as long as their key is in it. All lists are of one type, as above.
pub fn each<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: impl Fn(&T) -> String + Send + Sync + 'static,
    view: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let view = Arc::new(view);
    listed(Box::new(move || {
        let item = |one: T| {
            let view = Arc::clone(&view);
            Item { key: key(&one), make: Box::new(move || view(one)) }
        };
        items().into_iter().map(item).collect()
    }))
}

fn listed(items: Box<dyn Fn() -> Vec<Item> + Send + Sync>) -> AnyView {
    view! { <For each=items key=|item| item.key.clone() let:item>{(item.make)()}</For> }.into_any()
}
