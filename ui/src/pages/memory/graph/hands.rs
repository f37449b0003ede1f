//! Pointer, wheel and keys on the canvas.

use super::Graph;
use super::stage::{Hand, Stage, wake};
use crate::parts::plain;
use crate::words::graph::Point;
use leptos::prelude::*;
use std::cell::Cell;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};

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
    view! {
        <canvas
            node_ref=graph.canvas
            data-testid="graph-canvas"
            tabindex="0"
            role="img"
            aria-label="The graph: arrows move it, plus and minus zoom, 0 shows all of it. The same is there as a list below."
        ></canvas>
    }
    .into_any()
}

/// Hears the canvas. By one listener for all events: each kind of handler in a view brings its own machinery.
pub fn listen(graph: Graph, canvas: &Element) {
    let drag = Cell::new(None);
    let hear = Closure::<dyn FnMut(Event)>::new(move |event: Event| hear(graph, &drag, &event));
    for name in ["pointerdown", "pointermove", "pointerup", "pointerleave", "wheel", "keydown"] {
        let _ = canvas.add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
    }
    graph.ears.set_value(Some(hear));
}

fn hear(graph: Graph, drag: &Cell<Option<Drag>>, event: &Event) {
    let at = pixel(event.unchecked_ref());
    match event.type_().as_str() {
        "pointerdown" => {
            drag.set(Some(Drag { from: at, at }));
            if let Some(element) = event.target() {
                let pointer: &PointerEvent = event.unchecked_ref();
                let _ = element.unchecked_into::<Element>().set_pointer_capture(pointer.pointer_id());
            }
        }
        "pointermove" => point(graph, drag, at),
        "pointerup" => {
            if let Some(drag) = drag.take().filter(|drag: &Drag| at.minus(drag.from).length() <= STILL) {
                choose(graph, drag.from, event.unchecked_ref::<MouseEvent>().shift_key());
            }
        }
        "wheel" => {
            event.prevent_default();
            // A wheel's notch is about 100; a pad sends many small steps.
            let steps = (event.unchecked_ref::<WheelEvent>().delta_y() as f32 / 100.0).clamp(-2.0, 2.0);
            let by = if steps > 0.0 { 1.0 / (1.0 + 0.2 * steps) } else { 1.0 - 0.2 * steps };
            graph.stir(|stage| stage.zoom(at, by));
        }
        "keydown" => {
            if graph.with(|hand| key(hand, event.unchecked_ref())) == Some(true) {
                event.prevent_default();
                event.stop_propagation();
            }
        }
        _ => {
            drag.set(None);
            graph.stir(|stage| stage.hover = None);
        }
    }
}

fn point(graph: Graph, drag: &Cell<Option<Drag>>, at: Point) {
    let Some(held) = drag.get() else {
        let moved = graph.with(|hand| {
            let mut stage = hand.borrow_mut();
            let under = stage.under(at);
            std::mem::replace(&mut stage.hover, under) != under
        });
        if moved == Some(true) {
            graph.stir(|_| {});
        }
        return;
    };
    drag.set(Some(Drag { at, ..held }));
    graph.stir(|stage| stage.pan(at.minus(held.at)));
}

fn choose(graph: Graph, at: Point, more: bool) {
    let name = graph.with(|hand| {
        let stage = hand.borrow();
        stage.under(at).map(|i| stage.space.spot(i).name.clone())
    });
    match name.flatten() {
        Some(name) if more => graph.expand(name),
        Some(name) => graph.focus_on(&name),
        None => {}
    }
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

fn nearer(stage: &mut Stage, by: f32) {
    let middle = stage.camera.size.times(0.5);
    stage.zoom(middle, by);
}

/// The same for who has no wheel.
pub fn buttons(graph: Graph) -> AnyView {
    let act = move |doing: fn(&mut Stage)| move || graph.stir(doing);
    view! {
        <div class="graph-zoom" role="group" aria-label="Zoom">
            {plain::button("+", "small-button", "graph-nearer", act(|stage| nearer(stage, STEP)))}
            {plain::button("−", "small-button", "graph-farther", act(|stage| nearer(stage, 1.0 / STEP)))}
            {plain::button("Fit", "small-button", "graph-fit", act(Stage::fit))}
        </div>
    }
    .into_any()
}
