//! The outline of each kind, so that kinds are told apart without colours as well.

use super::{KINDS, Point, circle};

/// Corners, how far the first is turned, and how far the dents of a star go in (1: it is none).
const OUTLINES: [(u8, f32, f32); KINDS.len()] = [
    (4, 0.125, 1.0),
    (16, 0.0, 1.0),
    (6, 0.0, 1.0),
    (4, 0.0, 1.0),
    (3, 0.75, 1.0),
    (6, 0.25, 0.5),
    (5, 0.75, 1.0),
    (4, 0.0, 0.38),
    (5, 0.75, 0.48),
    (3, 0.25, 1.0),
    (8, 0.0, 0.72),
];

/// Corners around a middle, for a radius of 1.
pub fn outline(kind: u8) -> Vec<Point> {
    let (corners, turn, dent) = OUTLINES.get(usize::from(kind)).copied().unwrap_or((16, 0.0, 1.0));
    let star = dent < 1.0;
    let count = u32::from(corners) * if star { 2 } else { 1 };
    let corner = |i: u32| {
        let far = if star && i % 2 == 1 { dent } else { 1.0 };
        circle(turn + i as f32 / count as f32).times(far)
    };
    (0..count).map(corner).collect()
}

/// The same for a small picture in the page, as SVG's list of points in a box of 16 by 16.
pub fn points(kind: u8) -> String {
    let mut out = String::new();
    for corner in outline(kind) {
        // Whole numbers in a box ten times as large: printing floats would be 10 kB of wasm.
        for (part, end) in [(corner.x, ','), (corner.y, ' ')] {
            out += &((part * 70.0) as i32 + 80).to_string();
            out.push(end);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_look_the_same() {
        let all: std::collections::HashSet<String> = (0..KINDS.len() as u8).map(points).collect();
        assert_eq!(all.len(), KINDS.len());
        assert!(outline(99).len() > 10);
    }
}
