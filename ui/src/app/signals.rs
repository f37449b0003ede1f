//! Leptos' memos, effects and dynamic views behind boxed closures: each closure then costs a vtable instead of its own
//! copy of the whole reactive machinery (about 3 kB of wasm each).

use leptos::prelude::*;

type Make<T> = Box<dyn Fn() -> T + Send + Sync>;

/// A value worked out of others; whoever reads it is only told when it differs.
pub fn memo<T: PartialEq + Send + Sync + 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    boxed_memo(Box::new(make))
}

fn boxed_memo<T: PartialEq + Send + Sync + 'static>(make: Make<T>) -> Memo<T> {
    Memo::new(move |_| make())
}

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

/// Reading a part of a signal. As `with`, but the closure is not compiled into a copy of the signal's machinery.
pub trait Look: With {
    fn look<U>(&self, pick: impl FnOnce(&Self::Value) -> U) -> U {
        let (mut pick, mut out) = (Some(pick), None);
        look(self, &mut |value| out = pick.take().map(|pick| pick(value)));
        match out {
            Some(out) => out,
            None => unreachable!("`with` runs its closure"),
        }
    }
}

impl<S: With> Look for S {}

fn look<S: With + ?Sized>(signal: &S, run: &mut dyn FnMut(&S::Value)) {
    signal.with(|value| run(value));
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
