//! What part of the drawing is seen, and how large.

use super::{Point, Spot};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// The point of the drawing in the middle of the window.
    pub middle: Point,
    pub zoom: f32,
    /// The window in pixels.
    pub size: Point,
}

const NEAREST: f32 = 6.0;
const FARTHEST: f32 = 0.02;

impl Default for Camera {
    fn default() -> Self {
        Self { middle: Point::default(), zoom: 1.0, size: Point::new(1.0, 1.0) }
    }
}

impl Camera {
    pub fn to_screen(&self, point: Point) -> Point {
        point.minus(self.middle).times(self.zoom).plus(self.size.times(0.5))
    }

    pub fn to_drawing(&self, pixel: Point) -> Point {
        pixel.minus(self.size.times(0.5)).times(1.0 / self.zoom).plus(self.middle)
    }

    /// Whether a pixel is in the window or within a rim of it.
    pub fn sees(&self, pixel: Point, rim: f32) -> bool {
        pixel.x > -rim && pixel.y > -rim && pixel.x < self.size.x + rim && pixel.y < self.size.y + rim
    }

    pub fn pan(&mut self, by: Point) {
        self.middle = self.middle.minus(by.times(1.0 / self.zoom));
    }

    /// Nearer or farther, with the drawing under this pixel staying where it is.
    pub fn zoom_at(&mut self, pixel: Point, by: f32) {
        let held = self.to_drawing(pixel);
        self.zoom = (self.zoom * by).clamp(FARTHEST, NEAREST);
        self.middle = self.middle.plus(held.minus(self.to_drawing(pixel)));
    }

    /// All of these in the window, where they go to.
    pub fn fit<'a>(&mut self, spots: impl Iterator<Item = &'a Spot>) {
        let mut low = Point::new(f32::MAX, f32::MAX);
        let mut high = Point::new(f32::MIN, f32::MIN);
        for spot in spots {
            low = Point::new(low.x.min(spot.to.x), low.y.min(spot.to.y));
            high = Point::new(high.x.max(spot.to.x), high.y.max(spot.to.y));
        }
        if low.x > high.x {
            return;
        }
        // Names stand at the sides.
        let rim = Point::new((self.size.x * 0.2).min(120.0), 48.0);
        let span = high.minus(low);
        let across = (self.size.x - 2.0 * rim.x).max(40.0) / span.x.max(1.0);
        let down = (self.size.y - 2.0 * rim.y).max(40.0) / span.y.max(1.0);
        self.zoom = across.min(down).clamp(FARTHEST, 1.6);
        self.middle = low.plus(high).times(0.5);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Space;
    use super::super::tests::stars;
    use super::*;

    #[test]
    fn what_is_under_the_pointer_stays_there_when_one_zooms() {
        let mut camera = Camera { size: Point::new(800.0, 600.0), ..Camera::default() };
        let pixel = Point::new(123.0, 456.0);
        let held = camera.to_drawing(pixel);
        for by in [1.3, 0.2, 9.0, 100.0, 0.0001] {
            camera.zoom_at(pixel, by);
            assert!(camera.to_screen(held).minus(pixel).length() < 0.1, "{by}");
        }
    }

    #[test]
    fn everything_is_in_the_window_when_it_is_fitted() {
        let mut space = Space::of(stars(3, 9), &Space::default());
        for (i, spot) in space.spots.iter_mut().enumerate() {
            spot.to = Point::new(i as f32 * 700.0, -(i as f32) * 30.0);
        }
        space.arrive();
        let mut camera = Camera { size: Point::new(800.0, 300.0), ..Camera::default() };
        camera.fit(space.spots.iter());
        assert!(space.spots.iter().all(|spot| camera.sees(camera.to_screen(spot.at), 0.0)));
        camera.fit([].into_iter());
    }
}
