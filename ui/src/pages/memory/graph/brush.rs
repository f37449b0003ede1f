//! Drawing on a canvas: lines in bunches, entities in the shape of their kind, names. Measured in a browser without a
//! graphics card: 10,000 lines in bunches are drawn in a frame, in one path they take two; WebGL takes thirty.

use crate::words::graph::camera::Camera;
use crate::words::graph::labels::{Label, Room};
use crate::words::graph::{KINDS, Line, Point, Space, Spot, shapes};
use leptos::prelude::window;
use std::ops::Range;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Lines in one stroke.
const BUNCH: usize = 160;
/// Below this radius a shape is not seen; a square of its colour does.
const TINY: f32 = 2.8;

/// The page's colours, light or dark.
#[derive(Default)]
pub struct Colours {
    pub ground: String,
    pub ink: String,
    pub line: String,
    pub accent: String,
    kinds: Vec<String>,
    outlines: Vec<Vec<Point>>,
}

impl Colours {
    pub fn of(canvas: &HtmlCanvasElement) -> Colours {
        let style = window().get_computed_style(canvas).ok().flatten();
        let read = |name: &str| {
            let value = style.as_ref().and_then(|s| s.get_property_value(name).ok());
            value.map(|v| v.trim().to_owned()).unwrap_or_default()
        };
        let places = 0..KINDS.len() as u8;
        Colours {
            ground: read("--surface"),
            ink: read("--ink"),
            line: read("--graph-line"),
            accent: read("--accent"),
            kinds: places.clone().map(|i| read(&format!("--kind-{i}"))).collect(),
            outlines: places.map(shapes::outline).collect(),
        }
    }

    fn kind(&self, kind: u8) -> &str {
        self.kinds.get(usize::from(kind)).map_or("", String::as_str)
    }
}

/// A surface to draw on. Pixels are those of the page; a denser screen is the canvas' own business.
pub struct Sheet {
    pub canvas: HtmlCanvasElement,
    pub on: CanvasRenderingContext2d,
    /// What it shows; none: nothing yet.
    pub camera: Option<Camera>,
}

impl Sheet {
    pub fn of(canvas: HtmlCanvasElement) -> Option<Sheet> {
        let on = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Sheet { canvas, on, camera: None })
    }

    pub fn fresh() -> Option<Sheet> {
        Sheet::of(leptos::prelude::document().create_element("canvas").ok()?.unchecked_into())
    }

    /// Empty, and as large as it should be.
    pub fn clear(&self, size: Point, dense: f32) {
        let (wide, high) = ((size.x * dense) as u32, (size.y * dense) as u32);
        if self.canvas.width() != wide || self.canvas.height() != high {
            self.canvas.set_width(wide);
            self.canvas.set_height(high);
        }
        let dense = f64::from(dense);
        let _ = self.on.set_transform(dense, 0.0, 0.0, dense, 0.0, 0.0);
        self.on.clear_rect(0.0, 0.0, size.x.into(), size.y.into());
    }
}

pub struct Brush<'a> {
    pub on: &'a CanvasRenderingContext2d,
    pub colours: &'a Colours,
    pub space: &'a Space,
    pub camera: Camera,
}

impl Brush<'_> {
    fn place(&self, i: u32) -> Point {
        self.camera.to_screen(self.space.spot(i).at)
    }

    /// Grows with the zoom, but slower than the distances, so that there is room when one looks closer.
    pub fn radius(&self, spot: &Spot) -> f32 {
        (spot.radius() * self.camera.zoom.sqrt()).clamp(1.3, 18.0)
    }

    pub fn lines(&self, which: Range<usize>) {
        let some = self.space.lines.get(which).unwrap_or_default();
        let many = self.space.lines.len() > 1_500;
        self.on.set_stroke_style_str(&self.colours.line);
        self.on.set_global_alpha(if many { 0.3 } else { 0.75 });
        self.on.set_line_width(if many && self.camera.zoom < 0.4 { 0.6 } else { 1.0 });
        self.strokes(some.iter());
        self.on.set_global_alpha(1.0);
    }

    /// Lines that one is to see.
    pub fn strong(&self, which: &[u32], colour: &str, wide: f64) {
        self.on.set_stroke_style_str(colour);
        self.on.set_line_width(wide);
        self.strokes(which.iter().filter_map(|i| self.space.lines.get(*i as usize)));
    }

    fn strokes<'b>(&self, lines: impl Iterator<Item = &'b Line>) {
        let mut in_bunch = 0;
        self.on.begin_path();
        for line in lines {
            let (from, to) = (self.place(line.a), self.place(line.b));
            let size = self.camera.size;
            let aside = (from.x < 0.0 && to.x < 0.0) || (from.x > size.x && to.x > size.x);
            if aside || (from.y < 0.0 && to.y < 0.0) || (from.y > size.y && to.y > size.y) {
                continue;
            }
            self.on.move_to(from.x.into(), from.y.into());
            self.on.line_to(to.x.into(), to.y.into());
            in_bunch += 1;
            if in_bunch == BUNCH {
                in_bunch = 0;
                self.on.stroke();
                self.on.begin_path();
            }
        }
        self.on.stroke();
    }

    /// Every entity that is in the window, kind by kind.
    pub fn spots(&self) {
        for kind in 0..KINDS.len() as u8 {
            self.on.set_fill_style_str(self.colours.kind(kind));
            for spot in self.space.spots.iter().filter(|s| s.kind == kind) {
                self.spot(spot, 0.0);
            }
        }
    }

    /// One entity, in the colour that is set.
    fn spot(&self, spot: &Spot, more: f32) {
        let (at, radius) = (self.camera.to_screen(spot.at), self.radius(spot) + more);
        if !self.camera.sees(at, radius) {
            return;
        }
        if radius < TINY {
            let (x, y, wide) = (at.x - radius, at.y - radius, f64::from(radius * 2.0));
            return self.on.fill_rect(x.into(), y.into(), wide, wide);
        }
        let Some(outline) = self.colours.outlines.get(usize::from(spot.kind)) else { return };
        self.on.begin_path();
        for corner in outline {
            let corner = at.plus(corner.times(radius));
            self.on.line_to(corner.x.into(), corner.y.into());
        }
        self.on.fill();
    }

    /// Entities that one is to see, with a rim.
    pub fn marked(&self, which: &[u32], rim: &str) {
        for i in which {
            let spot = self.space.spot(*i);
            self.on.set_fill_style_str(rim);
            self.spot(spot, 3.0);
            self.on.set_fill_style_str(self.colours.kind(spot.kind));
            self.spot(spot, 0.0);
        }
    }

    /// Names of those with the most relations, as many as have room; far away only of a few.
    pub fn names(&self, order: &[u32], first: &[u32]) {
        let shown = self.space.spots.len();
        let most = match shown {
            0..=250 => 120,
            _ if self.camera.zoom < 0.25 => 24,
            _ if self.camera.zoom < 0.7 => 48,
            _ => 140,
        };
        let mut room = Room::new(self.camera.size);
        if shown <= 400 {
            for spot in &self.space.spots {
                room.keep(self.camera.to_screen(spot.at), self.radius(spot));
            }
        }
        let mut placed = 0;
        for i in first.iter().chain(order.iter().filter(|i| !first.contains(i))) {
            let (spot, at) = (self.space.spot(*i), self.place(*i));
            if self.camera.sees(at, 0.0)
                && let Some(label) = room.place(*i, &spot.name, at, self.radius(spot), !first.is_empty())
            {
                self.name(&label, first.contains(i));
                placed += 1;
                if placed == most {
                    return;
                }
            }
        }
    }

    /// A name with a halo in the colour of the ground, readable on lines.
    pub fn name(&self, label: &Label, strong: bool) {
        let (x, y) = (f64::from(label.at.x), f64::from(label.at.y) - 3.5);
        self.on.set_font(if strong {
            "600 12px system-ui, sans-serif"
        } else {
            "12px system-ui, sans-serif"
        });
        self.on.set_text_align("center");
        self.on.set_line_join("round");
        self.on.set_line_width(4.0);
        self.on.set_stroke_style_str(&self.colours.ground);
        let _ = self.on.stroke_text(&label.text, x, y);
        self.on.set_fill_style_str(&self.colours.ink);
        let _ = self.on.fill_text(&label.text, x, y);
    }
}
