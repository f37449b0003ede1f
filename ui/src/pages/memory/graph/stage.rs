//! What stands on the canvas, and each frame of it. Nothing runs while nothing moves.
//!
//! What rests is drawn once on a sheet larger than the window, a slice of its lines each frame, and the sheet is laid
//! under the window while one pans and zooms; so a frame costs the same for 60 entities and for 5,000.

use super::brush::{Brush, Colours, Sheet};
use crate::words::graph::camera::Camera;
use crate::words::graph::labels::Room;
use crate::words::graph::settle::Settle;
use crate::words::graph::{Point, Space, path, ring};
use leptos::prelude::{request_animation_frame, window};
use protocol::view::GraphView;
use std::cell::RefCell;
use std::rc::Rc;
use web_sys::HtmlCanvasElement;

/// With more than these, a layout settles between frames and a sheet is drawn in slices.
const MANY: usize = 600;
/// Milliseconds of a frame that a layout may take.
const SLICE_MS: f64 = 7.0;
const LINES_AT_ONCE: usize = 2_500;
/// How much of the window a sheet is larger on each side.
const RIM: f32 = 0.35;

pub struct Stage {
    pub space: Space,
    pub camera: Camera,
    pub focus: Option<u32>,
    pub hover: Option<u32>,
    /// Entities of a way, from end to end.
    pub way: Vec<u32>,
    sheet: Sheet,
    /// What was drawn at rest, and what is being drawn to take its place.
    front: Sheet,
    back: Sheet,
    slice: Option<usize>,
    order: Vec<u32>,
    colours: Colours,
    settle: Option<Settle>,
    walking: bool,
    /// Where the window goes to; none once somebody moved it by hand.
    fitted: Option<Camera>,
    before: f64,
    asked: bool,
}

/// A handle for events and for the next frame.
pub type Hand = Rc<RefCell<Stage>>;

fn now() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |p| p.now())
}

fn prefers_stillness() -> bool {
    let asked = window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
    asked.is_some_and(|query| query.matches())
}

/// Draws a frame soon, and more as long as something moves.
pub fn wake(hand: &Hand) {
    let Ok(mut stage) = hand.try_borrow_mut() else { return };
    if std::mem::replace(&mut stage.asked, true) {
        return;
    }
    let hand = Rc::clone(hand);
    request_animation_frame(move || {
        let more = {
            let Ok(mut stage) = hand.try_borrow_mut() else { return };
            stage.asked = false;
            stage.frame()
        };
        if more {
            wake(&hand);
        }
    });
}

impl Stage {
    pub fn on(canvas: HtmlCanvasElement) -> Option<Hand> {
        let stage = Stage {
            space: Space::default(),
            camera: Camera::default(),
            focus: None,
            hover: None,
            way: Vec::new(),
            sheet: Sheet::of(canvas)?,
            front: Sheet::fresh()?,
            back: Sheet::fresh()?,
            slice: None,
            order: Vec::new(),
            colours: Colours::default(),
            settle: None,
            walking: false,
            fitted: None,
            before: 0.0,
            asked: false,
        };
        Some(Rc::new(RefCell::new(stage)))
    }

    /// Another part of the graph: around its focus if it has one, else as forces settle it.
    pub fn show(&mut self, view: GraphView, focus: Option<&str>) {
        self.space = Space::of(view, &self.space);
        self.focus = focus.and_then(|name| self.space.find(name));
        self.way.clear();
        self.lay_out();
    }

    /// More of it, beside what is there.
    pub fn add(&mut self, view: GraphView) {
        let before = Space::default();
        self.space.add(view, &before);
        self.lay_out();
    }

    /// A way between two, put into what is there. False if it does not reach.
    pub fn lead(&mut self, view: GraphView, from: &str, to: &str) -> bool {
        let names: Vec<String> = view.nodes.iter().map(|n| n.name.clone()).collect();
        self.space.add(view, &Space::default());
        let on: Vec<u32> = names.iter().filter_map(|name| self.space.find(name)).collect();
        let (Some(from), Some(to)) = (self.space.find(from), self.space.find(to)) else { return false };
        let way = path::order(&self.space, from, to, &on);
        if way.last() != Some(&to) {
            return false;
        }
        // Among many they stay where they are; of a few, the way stands in a row and all else makes room.
        if self.space.spots.len() <= MANY {
            self.lay_out();
            path::row(&mut self.space, &way);
        }
        self.way = way;
        self.moves();
        true
    }

    fn lay_out(&mut self) {
        self.hover = None;
        self.order = self.space.by_degree();
        self.settle = None;
        let warm = self.space.spots.iter().any(|spot| spot.at.length() > 100.0);
        match self.focus {
            Some(focus) => ring::around(&mut self.space, focus),
            None if self.space.spots.len() > MANY => self.settle = Some(Settle::begin(&self.space, false)),
            None => {
                let mut settle = Settle::begin(&self.space, false);
                while !settle.is_done() {
                    settle.round(&self.space);
                }
                settle.hand_over(&mut self.space);
            }
        }
        // The first picture does not grow out of a point.
        if prefers_stillness() || !warm {
            self.space.arrive();
        }
        self.moves();
    }

    fn moves(&mut self) {
        self.walking = true;
        self.fitted = Some(self.camera);
        self.stale();
    }

    /// What rests is not what it was: new colours, for example.
    pub fn stale(&mut self) {
        self.front.camera = None;
        self.slice = None;
    }

    /// All of it in the window again.
    pub fn fit(&mut self) {
        self.fitted = Some(self.camera);
    }

    pub fn pan(&mut self, by: Point) {
        self.fitted = None;
        self.camera.pan(by);
    }

    pub fn zoom(&mut self, pixel: Point, by: f32) {
        self.fitted = None;
        self.camera.zoom_at(pixel, by);
    }

    pub fn under(&self, pixel: Point) -> Option<u32> {
        let reach = (12.0 / self.camera.zoom).max(4.0);
        self.space.under(self.camera.to_drawing(pixel), reach)
    }

    /// Draws; true if there is more to come.
    fn frame(&mut self) -> bool {
        let canvas = &self.sheet.canvas;
        let size = Point::new(canvas.client_width() as f32, canvas.client_height() as f32);
        if size.x < 2.0 || size.y < 2.0 {
            return false;
        }
        let dense = (window().device_pixel_ratio() as f32).clamp(1.0, 2.0);
        if self.camera.size != size {
            self.camera.size = size;
            self.front.camera = None;
        }
        let now = now();
        let since = (now - self.before).clamp(1.0, 50.0) as f32;
        self.before = now;
        let moving = self.advance(since);
        if self.front.camera.is_none() && self.slice.is_none() {
            self.colours = Colours::of(&self.sheet.canvas);
        }
        let drawing = if moving { self.draw_moving(dense) } else { self.draw_resting(dense) };
        self.tell(moving || drawing);
        moving || drawing
    }

    /// Moves what moves.
    fn advance(&mut self, since: f32) -> bool {
        let still = prefers_stillness();
        let mut moving = false;
        if let Some(settle) = &mut self.settle {
            let begun = now();
            while !settle.is_done() && now() - begun < SLICE_MS {
                settle.round(&self.space);
            }
            settle.hand_over(&mut self.space);
            moving = !settle.is_done();
            if !moving {
                self.settle = None;
            }
        }
        let part = if still { 1.0 } else { (since / 110.0).min(1.0) };
        if self.walking {
            self.walking = !self.space.walk(part);
            moving |= self.walking;
        }
        if self.fitted.is_some() {
            let mut goal = self.camera;
            // A way alone; without one, all of it.
            let shown =
                (0..self.space.spots.len() as u32).filter(|i| self.way.is_empty() || self.way.contains(i));
            goal.fit(shown.map(|i| self.space.spot(i)));
            let near = goal.middle.minus(self.camera.middle).length() * goal.zoom < 1.0;
            if part >= 1.0
                || (near && (goal.zoom / self.camera.zoom - 1.0).abs() < 0.01)
                || self.front_is_first()
            {
                self.camera = goal;
                self.fitted = if moving { Some(goal) } else { None };
            } else {
                self.camera.middle =
                    self.camera.middle.plus(goal.middle.minus(self.camera.middle).times(part));
                self.camera.zoom += (goal.zoom - self.camera.zoom) * part;
                moving = true;
            }
        }
        moving
    }

    /// Nothing was ever drawn: there is nothing to come from.
    fn front_is_first(&self) -> bool {
        self.sheet.camera.is_none()
    }

    fn brush<'a>(&'a self, sheet: &'a Sheet, camera: Camera) -> Brush<'a> {
        Brush { on: &sheet.on, colours: &self.colours, space: &self.space, camera }
    }

    fn draw_moving(&mut self, dense: f32) -> bool {
        self.stale();
        self.sheet.clear(self.camera.size, dense);
        self.sheet.camera = Some(self.camera);
        let brush = self.brush(&self.sheet, self.camera);
        if self.space.lines.len() <= LINES_AT_ONCE {
            brush.lines(0..self.space.lines.len());
        }
        brush.spots();
        self.draw_over(&brush);
        true
    }

    fn draw_resting(&mut self, dense: f32) -> bool {
        let drawing = self.draw_slice(dense);
        self.sheet.clear(self.camera.size, dense);
        self.sheet.camera = Some(self.camera);
        let brush = self.brush(&self.sheet, self.camera);
        if let Some(drawn) = self.front.camera {
            let corner = self.camera.to_screen(drawn.to_drawing(Point::default()));
            let size = drawn.size.times(self.camera.zoom / drawn.zoom);
            self.sheet.on.set_global_alpha(if self.way.is_empty() { 1.0 } else { 0.35 });
            let _ = self.sheet.on.draw_image_with_html_canvas_element_and_dw_and_dh(
                &self.front.canvas,
                corner.x.into(),
                corner.y.into(),
                size.x.into(),
                size.y.into(),
            );
            self.sheet.on.set_global_alpha(1.0);
        } else {
            brush.spots();
        }
        self.draw_over(&brush);
        drawing
    }

    /// Whether what lies under the window is not what one should see.
    fn is_wanting(&self) -> bool {
        let Some(drawn) = self.front.camera else { return true };
        let corner = self.camera.to_screen(drawn.to_drawing(Point::default()));
        let end = corner.plus(drawn.size);
        let rim = self.camera.size.times(RIM * 0.3);
        let (low, high) = (corner.plus(rim), end.minus(rim).minus(self.camera.size));
        drawn.zoom != self.camera.zoom || low.x > 0.0 || low.y > 0.0 || high.x < 0.0 || high.y < 0.0
    }

    /// A part of the next sheet; with the last one it takes the place of the one before. True while there is more.
    fn draw_slice(&mut self, dense: f32) -> bool {
        if self.slice.is_none() {
            if !self.is_wanting() {
                return false;
            }
            let size = self.camera.size.times(1.0 + 2.0 * RIM);
            self.back.camera = Some(Camera { size, ..self.camera });
            self.back.clear(size, dense);
            self.slice = Some(0);
        }
        let (Some(from), Some(camera)) = (self.slice, self.back.camera) else { return false };
        let to = (from + LINES_AT_ONCE).min(self.space.lines.len());
        let brush = self.brush(&self.back, camera);
        brush.lines(from..to);
        if to < self.space.lines.len() {
            self.slice = Some(to);
            return true;
        }
        brush.spots();
        // Those of a way are written on top.
        let apart = |i: &u32| !self.way.contains(i);
        let first: Vec<u32> = self.focus.into_iter().filter(apart).collect();
        let order: Vec<u32> = self.order.iter().copied().filter(apart).collect();
        brush.names(&order, &first);
        self.slice = None;
        std::mem::swap(&mut self.front, &mut self.back);
        self.is_wanting()
    }

    /// What one points at, the focus, and the way.
    fn draw_over(&self, brush: &Brush<'_>) {
        let pairs = |w: &[u32]| match w {
            [a, b] => self
                .space
                .near(*a)
                .iter()
                .copied()
                .find(|l| self.space.lines.get(*l as usize).is_some_and(|line| line.other(*a) == *b)),
            _ => None,
        };
        let mut room = Room::new(brush.camera.size);
        let mut named = |i: u32| {
            let (spot, at) = (self.space.spot(i), brush.camera.to_screen(self.space.spot(i).at));
            if let Some(label) = room.place(i, &spot.name, at, brush.radius(spot) + 3.0, false) {
                brush.name(&label, true);
            }
        };
        if !self.way.is_empty() {
            let lines: Vec<u32> = self.way.windows(2).filter_map(pairs).collect();
            brush.strong(&lines, &self.colours.accent, 3.0);
            brush.marked(&self.way, &self.colours.accent);
            self.way.iter().for_each(|i| named(*i));
        }
        if let Some(focus) = self.focus {
            brush.marked(&[focus], &self.colours.accent);
        }
        if let Some(hover) = self.hover {
            brush.strong(self.space.near(hover), &self.colours.accent, 1.5);
            let near = self.space.neighbours(hover);
            brush.marked(near.get(..near.len().min(200)).unwrap_or_default(), &self.colours.ground);
            brush.marked(&[hover], &self.colours.ink);
            named(hover);
        }
    }

    /// Says on the canvas what is on it: for who looks at the page and not at the picture.
    fn tell(&self, busy: bool) {
        let canvas = &self.sheet.canvas;
        let name = |i: Option<u32>| i.map_or("", |i| self.space.spot(i).name.as_str());
        for (what, value) in [
            ("data-nodes", self.space.spots.len().to_string().as_str()),
            ("data-edges", self.space.lines.len().to_string().as_str()),
            ("data-settled", if busy { "false" } else { "true" }),
            ("data-middle", name(self.focus)),
            ("data-hover", name(self.hover)),
            ("data-path", self.way.len().to_string().as_str()),
            ("data-progress", self.settle.as_ref().map_or(100, Settle::progress).to_string().as_str()),
        ] {
            if canvas.get_attribute(what).as_deref() != Some(value) {
                let _ = canvas.set_attribute(what, value);
            }
        }
    }
}
