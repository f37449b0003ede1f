//! Signals and memos that are of one type to Leptos, whatever they hold: the reactive machinery is then compiled once
//! and not for each type (about 2 kB of wasm each). They have the names and the methods of Leptos' own.

use leptos::prelude::*;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

type Held = Box<dyn Any + Send + Sync>;

/// A value that is set; whoever reads it is told.
pub struct RwSignal<T> {
    held: leptos::prelude::RwSignal<Held>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for RwSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for RwSignal<T> {}

#[derive(Clone, Copy, PartialEq)]
enum Reader {
    Told,
    Untold,
}

fn held(value: Held) -> leptos::prelude::RwSignal<Held> {
    leptos::prelude::RwSignal::new(value)
}

/// Whether the signal was still there.
fn reading(signal: leptos::prelude::RwSignal<Held>, reader: Reader, run: &mut dyn FnMut(&dyn Any)) -> bool {
    if reader == Reader::Told {
        signal.track();
    }
    signal.try_with_untracked(|value| run(&**value)).is_some()
}

fn writing(signal: leptos::prelude::RwSignal<Held>, run: &mut dyn FnMut(&mut dyn Any)) -> bool {
    signal.try_update(|value| run(&mut **value)).is_some()
}

impl<T: Send + Sync + 'static> RwSignal<T> {
    pub fn new(value: T) -> Self {
        Self { held: held(Box::new(value)), of: PhantomData }
    }

    fn picked<U>(self, reader: Reader, pick: impl FnOnce(&T) -> U) -> Option<U> {
        let (mut pick, mut out) = (Some(pick), None);
        reading(self.held, reader, &mut |value| {
            out = value.downcast_ref().zip(pick.take()).map(|(value, pick)| pick(value));
        });
        out
    }

    pub fn look<U>(self, pick: impl FnOnce(&T) -> U) -> U {
        there(self.picked(Reader::Told, pick))
    }
    pub fn with_untracked<U>(self, pick: impl FnOnce(&T) -> U) -> U {
        there(self.picked(Reader::Untold, pick))
    }
    pub fn try_with_untracked<U>(self, pick: impl FnOnce(&T) -> U) -> Option<U> {
        self.picked(Reader::Untold, pick)
    }
    pub fn track(self) {
        self.held.track();
    }

    /// None when the signal is gone: the page was left.
    pub fn try_update<U>(self, change: impl FnOnce(&mut T) -> U) -> Option<U> {
        let (mut change, mut out) = (Some(change), None);
        writing(self.held, &mut |value| {
            out = value.downcast_mut().zip(change.take()).map(|(value, change)| change(value));
        });
        out
    }
    pub fn update(self, change: impl FnOnce(&mut T)) {
        let _ = self.try_update(change);
    }
    pub fn set(self, value: T) {
        let _ = self.try_set(value);
    }
    /// Gives the value back when the signal is gone.
    pub fn try_set(self, value: T) -> Option<T> {
        let mut value = Some(value);
        writing(self.held, &mut |old| {
            if let Some((old, new)) = old.downcast_mut().zip(value.take()) {
                *old = new;
            }
        });
        value
    }
}

impl<T: Clone + Send + Sync + 'static> RwSignal<T> {
    pub fn get(self) -> T {
        self.look(T::clone)
    }
    pub fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
    pub fn try_get_untracked(self) -> Option<T> {
        self.try_with_untracked(T::clone)
    }
}

impl RwSignal<String> {
    /// For a field that shows it.
    pub fn shown(self) -> Box<dyn Fn() -> String + Send + Sync> {
        Box::new(move || self.get())
    }
}

fn there<U>(found: Option<U>) -> U {
    match found {
        Some(found) => found,
        None => unreachable!("read after its page was left"),
    }
}

/// A value worked out of others; whoever reads it is only told when it differs.
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

/// What a memo holds: it can tell whether another one is the same.
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
    /// Reads it, since one that nobody read yet has nothing to tell.
    pub fn track(&self) {
        drop(kept(self.kept));
    }
}

fn of<T: 'static>(kept: &Kept) -> &T {
    match (&*kept.0 as &dyn Any).downcast_ref() {
        Some(value) => value,
        None => unreachable!("a memo keeps what it was made with"),
    }
}
