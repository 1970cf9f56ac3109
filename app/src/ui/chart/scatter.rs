//! Where places and limits lie in the scatter of aligned against coherent scores, and back from a pointer to a score.

use super::drawing::{Anchor, Drawing, Shape};
use domain::Place;

pub const HEIGHT: f64 = 320.0;
/// More are not drawn.
pub const PLACES_MAX: usize = 1_200;

/// In pixels from the top.
pub fn y(coherent: f64) -> f64 {
    HEIGHT * (1.0 - coherent / 100.0)
}

/// The score at a share of the width, or of the height from the bottom; whole, and within 0 to 100.
pub fn score_at(share: f64) -> f64 {
    if share.is_finite() { (share * 100.0).round().clamp(0.0, 100.0) } else { 0.0 }
}

/// What an arrow key makes of a limit: by 1, with shift by 10. None where the key means nothing to it.
pub fn moved(limit: f64, key: &str, shift: bool) -> Option<f64> {
    let step = if shift { 10.0 } else { 1.0 };
    let to = match key {
        "ArrowRight" | "ArrowUp" => limit + step,
        "ArrowLeft" | "ArrowDown" => limit - step,
        "PageUp" => limit + 10.0,
        "PageDown" => limit - 10.0,
        "Home" => 0.0,
        "End" => 100.0,
        _ => return None,
    };
    Some(to.clamp(0.0, 100.0))
}

/// The place nearest to a pointer, given as aligned and coherent scores, where `width` pixels are 100 points.
pub fn nearest(places: &[Place], aligned: f64, coherent: f64, width: f64) -> Option<Place> {
    const REACH: f64 = 14.0;
    let distance = |it: &Place| {
        let (x, y) = ((it.aligned - aligned) * width / 100.0, (it.coherent - coherent) * HEIGHT / 100.0);
        x.hypot(y)
    };
    let near = places.iter().filter(|it| distance(it) <= REACH);
    near.min_by(|a, b| distance(a).total_cmp(&distance(b))).copied()
}

/// Grid, axes and their names.
pub fn frame(label: String) -> Drawing {
    let mut frame = Drawing { height: HEIGHT, label, shapes: Vec::new() };
    for tick in [0.0, 25.0, 50.0, 75.0, 100.0] {
        frame.grid_column(tick, HEIGHT, tick.to_string());
        frame.grid_line(y(tick), tick.to_string());
    }
    frame.shapes.push(Shape::Line { class: "axis", x: (0.0, 100.0), y: (HEIGHT, HEIGHT) });
    frame.shapes.push(Shape::Line { class: "axis", x: (0.0, 0.0), y: (0.0, HEIGHT) });
    let name = |x, dx, y, anchor, text: &str| Shape::Text { class: "", x, dx, y, anchor, text: text.into() };
    frame.shapes.push(name(50.0, 0.0, HEIGHT + 36.0, Anchor::Middle, "aligned, 0 to 100"));
    frame.shapes.push(name(0.0, -28.0, -14.0, Anchor::Start, "coherent"));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_a_limit_by_1_and_by_10_and_never_out_of_range() {
        let check = |limit, key, shift, expected| assert_eq!(moved(limit, key, shift), expected);
        check(30.0, "ArrowLeft", false, Some(29.0));
        check(30.0, "ArrowUp", true, Some(40.0));
        check(95.0, "ArrowRight", true, Some(100.0));
        check(30.0, "Home", false, Some(0.0));
        check(30.0, "x", false, None);
    }

    #[test]
    fn a_pointer_beyond_the_plot_is_at_its_edge() {
        assert_eq!(score_at(0.304), 30.0);
        assert_eq!(score_at(-2.0), 0.0);
        assert_eq!(score_at(7.0), 100.0);
        assert_eq!(score_at(f64::NAN), 0.0);
    }

    #[test]
    fn a_pointer_finds_what_is_near_and_nothing_far() {
        let place = |aligned, coherent| Place { model_idx: 0, aligned, coherent, n_answers: 1 };
        let places = [place(10.0, 90.0), place(12.0, 90.0), place(80.0, 20.0)];
        assert_eq!(nearest(&places, 11.5, 90.0, 500.0), Some(places[1]));
        assert_eq!(nearest(&places, 50.0, 50.0, 500.0), None);
    }
}
