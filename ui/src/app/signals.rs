//! Leptos' memos, effects and dynamic views behind boxed closures: each closure then costs a vtable instead of its own
//! copy of the whole reactive machinery (about 3 kB of wasm each).

use leptos::prelude::*;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// A value worked out of others; whoever reads it is only told when it differs. To the reactive machinery all of them
/// are of one type: a value behind a pointer that can tell whether another one is the same.
pub struct Memo<T> {
    kept: leptos::prelude::Memo<Kept>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Memo<T> {}

trait Value: Any + Send + Sync {
    fn same(&self, other: &dyn Any) -> bool;
}

impl<T: PartialEq + Any + Send + Sync> Value for T {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}

#[derive(Clone)]
struct Kept(Arc<dyn Value>);

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.0.same(&*other.0 as &dyn Any)
    }
}

pub fn memo<T: PartialEq + Send + Sync + 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    Memo { kept: kept_memo(Box::new(move || Kept(Arc::new(make())))), of: PhantomData }
}

fn kept_memo(make: Box<dyn Fn() -> Kept + Send + Sync>) -> leptos::prelude::Memo<Kept> {
    leptos::prelude::Memo::new(move |_| make())
}

fn kept(memo: leptos::prelude::Memo<Kept>) -> Kept {
    memo.get()
}

fn kept_untracked(memo: leptos::prelude::Memo<Kept>) -> Kept {
    memo.get_untracked()
}

impl<T: 'static> Memo<T> {
    pub fn look<U>(&self, pick: impl FnOnce(&T) -> U) -> U {
        pick(of(&kept(self.kept)))
    }
    pub fn look_untracked<U>(&self, pick: impl FnOnce(&T) -> U) -> U {
        pick(of(&kept_untracked(self.kept)))
    }
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.look(T::clone)
    }
    pub fn get_untracked(&self) -> T
    where
        T: Clone,
    {
        self.look_untracked(T::clone)
    }
    pub fn track(&self) {
        self.kept.track();
    }
}

fn of<T: 'static>(kept: &Kept) -> &T {
    match (&*kept.0 as &dyn Any).downcast_ref() {
        Some(value) => value,
        None => unreachable!("a memo keeps what it was made with"),
    }
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
