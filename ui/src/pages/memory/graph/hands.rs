//! Pointer, wheel and keys on the canvas.

use super::Graph;
use super::stage::{Hand, wake};
use crate::parts::plain;
use crate::words::graph::Point;
use leptos::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};

/// Pixels that a finger may move while it presses.
const STILL: f32 = 4.0;
const STEP: f32 = 1.25;

/// A drag: where it began, where it is.
#[derive(Clone, Copy)]
struct Drag {
    from: Point,
    at: Point,
}

fn pixel(event: &MouseEvent) -> Point {
    Point::new(event.offset_x() as f32, event.offset_y() as f32)
}

pub fn canvas(graph: Graph) -> AnyView {
    let drag: Rc<Cell<Option<Drag>>> = Rc::new(Cell::new(None));
    let (down, over, up, gone) = (Rc::clone(&drag), Rc::clone(&drag), Rc::clone(&drag), drag);
    let begin = pointer(move |e| {
        let at = pixel(&e);
        down.set(Some(Drag { from: at, at }));
        if let Some(element) = e.target().map(|t| t.unchecked_into::<Element>()) {
            let _ = element.set_pointer_capture(e.pointer_id());
        }
    });
    let go = pointer(move |e| {
        let at = pixel(&e);
        graph.with(|hand| {
            match over.get() {
                Some(drag) => {
                    hand.borrow_mut().pan(at.minus(drag.at));
                    over.set(Some(Drag { at, ..drag }));
                }
                None => {
                    let mut stage = hand.borrow_mut();
                    let under = stage.under(at);
                    if stage.hover == under {
                        return;
                    }
                    stage.hover = under;
                }
            }
            wake(hand);
        });
    });
    let end = pointer(move |e| {
        let Some(drag) = up.take() else { return };
        if pixel(&e).minus(drag.from).length() <= STILL {
            let found = graph.with(|hand| {
                let stage = hand.borrow();
                stage.under(drag.from).map(|i| stage.space.spot(i).name.clone())
            });
            match found.flatten() {
                Some(name) if e.shift_key() => graph.expand(name),
                Some(name) => graph.focus_on(&name),
                None => {}
            }
        }
    });
    let leave = pointer(move |_| {
        gone.set(None);
        graph.with(|hand| {
            hand.borrow_mut().hover = None;
            wake(hand);
        });
    });
    let wheel: Box<dyn FnMut(WheelEvent)> = Box::new(move |e| {
        e.prevent_default();
        // A wheel's notch is about 100; a pad sends many small steps.
        let steps = (e.delta_y() as f32 / 100.0).clamp(-2.0, 2.0);
        let by = if steps > 0.0 { 1.0 / (1.0 + 0.2 * steps) } else { 1.0 - 0.2 * steps };
        graph.with(|hand| {
            hand.borrow_mut().zoom(pixel(&e), by);
            wake(hand);
        });
    });
    let keys = plain::pressed(move |e| {
        if graph.with(|hand| key(hand, &e)) == Some(true) {
            e.prevent_default();
            e.stop_propagation();
        }
    });
    view! {
        <canvas
            node_ref=graph.canvas
            data-testid="graph-canvas"
            tabindex="0"
            role="img"
            aria-label="The graph: arrows move it, plus and minus zoom, 0 shows all of it. The same is there as a list below."
            on:pointerdown=begin
            on:pointermove=go
            on:pointerup=end
            on:pointerleave=leave
            on:wheel=wheel
            on:keydown=keys
        ></canvas>
    }
    .into_any()
}

fn pointer(act: impl FnMut(PointerEvent) + 'static) -> Box<dyn FnMut(PointerEvent)> {
    Box::new(act)
}

fn key(hand: &Hand, event: &KeyboardEvent) -> bool {
    const FAR: f32 = 60.0;
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return false;
    }
    let mut stage = hand.borrow_mut();
    match event.key().as_str() {
        "ArrowLeft" => stage.pan(Point::new(FAR, 0.0)),
        "ArrowRight" => stage.pan(Point::new(-FAR, 0.0)),
        "ArrowUp" => stage.pan(Point::new(0.0, FAR)),
        "ArrowDown" => stage.pan(Point::new(0.0, -FAR)),
        "+" | "=" => nearer(&mut stage, STEP),
        "-" => nearer(&mut stage, 1.0 / STEP),
        "0" => stage.fit(),
        _ => return false,
    }
    drop(stage);
    wake(hand);
    true
}

fn nearer(stage: &mut super::stage::Stage, by: f32) {
    let middle = stage.camera.size.times(0.5);
    stage.zoom(middle, by);
}

/// The same for who has no wheel.
pub fn buttons(graph: Graph) -> AnyView {
    let act = move |doing: fn(&mut super::stage::Stage)| {
        move || {
            graph.with(|hand| {
                doing(&mut hand.borrow_mut());
                wake(hand);
            });
        }
    };
    view! {
        <div class="graph-zoom" role="group" aria-label="Zoom">
            {plain::button("+", "small-button", "graph-nearer", act(|stage| nearer(stage, STEP)))}
            {plain::button("−", "small-button", "graph-farther", act(|stage| nearer(stage, 1.0 / STEP)))}
            {plain::button("Fit", "small-button", "graph-fit", act(super::stage::Stage::fit))}
        </div>
    }
    .into_any()
}
