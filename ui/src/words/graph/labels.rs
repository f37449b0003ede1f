//! Which names can stand beside their entities without one lying on another.

use super::Point;

/// A name with its place, in pixels: the middle of its lower edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub spot: u32,
    pub text: String,
    pub at: Point,
}

/// The room that is taken, in squares.
pub struct Room {
    across: usize,
    down: usize,
    taken: Vec<bool>,
}

const SQUARE: f32 = 6.0;
const HEIGHT: f32 = 15.0;
const LONGEST: usize = 30;

impl Room {
    pub fn new(size: Point) -> Self {
        let (across, down) = ((size.x / SQUARE) as usize + 1, (size.y / SQUARE) as usize + 1);
        Self { across, down, taken: vec![false; across * down] }
    }

    /// The squares of a box, or none if it is not all in the window.
    fn squares(&self, low: Point, high: Point) -> Option<Vec<usize>> {
        if low.x < 0.0 || low.y < 0.0 {
            return None;
        }
        let (x0, y0) = ((low.x / SQUARE) as usize, (low.y / SQUARE) as usize);
        let (x1, y1) = ((high.x / SQUARE) as usize, (high.y / SQUARE) as usize);
        if x1 >= self.across || y1 >= self.down {
            return None;
        }
        Some(
            (y0..=y1)
                .flat_map(|y| (x0..=x1).map(move |x| (x, y)))
                .map(|(x, y)| y * self.across + x)
                .collect(),
        )
    }

    fn take(&mut self, squares: &[usize]) {
        for square in squares {
            if let Some(taken) = self.taken.get_mut(*square) {
                *taken = true;
            }
        }
    }

    /// An entity that no name may cover.
    pub fn keep(&mut self, at: Point, radius: f32) {
        let rim = Point::new(radius, radius);
        if let Some(squares) = self.squares(at.minus(rim), at.plus(rim)) {
            self.take(&squares);
        }
    }

    /// Below, above, to the right or to the left of its entity, wherever there is room first; `aside`: at the side that
    /// looks away from the middle before all else, as it fits a ring.
    pub fn place(&mut self, spot: u32, name: &str, at: Point, radius: f32, aside: bool) -> Option<Label> {
        let text = short(name);
        let half = width(&text) / 2.0;
        let side = half + radius + 5.0;
        let below = radius + 3.0 + HEIGHT;
        let outer = if at.x * 2.0 < self.across as f32 * SQUARE { -side } else { side };
        let (foot, head) = ((0.0, below), (0.0, -radius - 3.0));
        let (outer, inner) = ((outer, HEIGHT / 2.0), (-outer, HEIGHT / 2.0));
        let order = if aside { [outer, foot, head, inner] } else { [foot, head, outer, inner] };
        for offset in order {
            let foot = at.plus(Point::new(offset.0, offset.1));
            let (low, high) = (foot.minus(Point::new(half, HEIGHT)), foot.plus(Point::new(half, 0.0)));
            let Some(squares) = self.squares(low, high) else { continue };
            if squares.iter().all(|square| self.taken.get(*square) == Some(&false)) {
                self.take(&squares);
                return Some(Label { spot, text, at: foot });
            }
        }
        None
    }
}

/// Pixels, about, in the font of the canvas.
fn width(text: &str) -> f32 {
    text.chars().map(|c| if c < '\u{2e80}' { 6.6 } else { 12.5 }).sum()
}

/// The end of a path says more than its beginning; of all else the beginning does.
pub fn short(name: &str) -> String {
    let count = name.chars().count();
    if count <= LONGEST {
        return name.to_owned();
    }
    if name.contains('/') {
        let tail: String = name.chars().skip(count - LONGEST + 1).collect();
        return format!("…{tail}");
    }
    let head: String = name.chars().take(LONGEST - 1).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_lies_on_another_or_on_an_entity() {
        let mut room = Room::new(Point::new(900.0, 600.0));
        let spots: Vec<Point> =
            (0..60).map(|i| Point::new((i * 37 % 900) as f32, (i * 91 % 600) as f32)).collect();
        for at in &spots {
            room.keep(*at, 5.0);
        }
        let named = |(i, at): (usize, &Point)| room.place(i as u32, "app/index.html", *at, 5.0, i % 2 == 0);
        let labels: Vec<Label> = spots.iter().enumerate().filter_map(named).collect();
        assert!(labels.len() > 5 && labels.len() < 60);
        let half = width("app/index.html") / 2.0;
        for (i, one) in labels.iter().enumerate() {
            for other in labels.iter().skip(i + 1) {
                let far = one.at.minus(other.at);
                assert!(
                    far.x.abs() >= 2.0 * half - SQUARE || far.y.abs() >= HEIGHT - SQUARE,
                    "{one:?} {other:?}"
                );
            }
            for at in &spots {
                let inside = (one.at.x - at.x).abs() < half - SQUARE
                    && at.y < one.at.y - SQUARE
                    && at.y > one.at.y - HEIGHT + SQUARE;
                assert!(!inside, "{one:?} {at:?}");
            }
        }
    }

    #[test]
    fn long_names_are_cut_where_they_say_least() {
        assert_eq!(short("short"), "short");
        assert!(short("app/very/long/path/with/many/folders/index.html").ends_with("folders/index.html"));
        assert!(short("A sentence that is longer than a label can be").starts_with("A sentence"));
        assert!(short(&"中".repeat(60)).chars().count() <= LONGEST);
    }
}
