//! Bars with whiskers, in groups.

use super::{
    drawing::{Anchor, Drawing, Shape},
    scale::Scale,
};
use domain::Role;

pub struct BarGroup {
    pub name: String,
    pub bars: Vec<Bar>,
}

/// One rate. All shares from 0 to 1.
pub struct Bar {
    pub role: Role,
    /// None where there is nothing to take a share of: then only a dash stands there.
    pub share: Option<f64>,
    pub ends: Option<(f64, f64)>,
    pub label: String,
    pub href: String,
}

const HEIGHT: f64 = 260.0;
/// The share of a group's width that its bars take, and of a bar's place that it fills.
const GROUP_FILL: f64 = 0.86;
const BAR_FILL: f64 = 0.66;

pub fn bars(groups: &[BarGroup], label: String) -> Drawing {
    let all = || groups.iter().flat_map(|it| &it.bars);
    let scale = Scale::per_cent(all().flat_map(|it| [it.share, it.ends.map(|it| it.1)]).flatten());
    let mut drawing = Drawing { height: HEIGHT, label, shapes: Vec::new() };
    for tick in scale.ticks() {
        drawing.grid_line(HEIGHT * (1.0 - scale.share(tick)), tick.to_string());
    }
    let width = 100.0 / groups.len().max(1) as f64;
    for (idx, group) in groups.iter().enumerate() {
        let x = idx as f64 * width;
        if idx > 0 {
            drawing.shapes.push(Shape::Line { class: "grid", x: (x, x), y: (0.0, HEIGHT + 8.0) });
        }
        let (middle, text) = (x + width / 2.0, group.name.clone());
        let name = Shape::Text { class: "", x: middle, dx: 0.0, y: HEIGHT + 36.0, anchor: Anchor::Middle, text };
        drawing.shapes.push(name);
        let place = width * GROUP_FILL / group.bars.len().max(1) as f64;
        let first = x + width * (1.0 - GROUP_FILL) / 2.0;
        for (idx, bar) in group.bars.iter().enumerate() {
            drawing.shapes.push(mark(bar, first + (idx as f64 + 0.5) * place, place * BAR_FILL, scale));
        }
    }
    drawing.shapes.push(Shape::Line { class: "axis", x: (0.0, 100.0), y: (HEIGHT, HEIGHT) });
    drawing
}

fn mark(bar: &Bar, middle: f64, width: f64, scale: Scale) -> Shape {
    let y = |share: f64| HEIGHT * (1.0 - scale.share(share * 100.0));
    let x = middle - width / 2.0;
    // All of its column takes the pointer and shows the focus.
    let mut shapes = vec![Shape::Rect { class: "hit", x, width, y: 0.0, height: HEIGHT + 20.0 }];
    match bar.share {
        Some(share) if share > 0.0 => {
            shapes.push(Shape::Rect { class: "fillbar", x, width, y: y(share), height: HEIGHT - y(share) });
        }
        Some(_) => shapes.push(Shape::Line { class: "zero", x: (x, x + width), y: (HEIGHT - 1.0, HEIGHT - 1.0) }),
        None => {}
    }
    let mut top = bar.share.map_or(HEIGHT, y);
    if let Some((low, high)) = bar.ends {
        let (low, high) = (super::drawing::round(y(low)), super::drawing::round(y(high)));
        top = top.min(high);
        let path = format!("M0 {low}V{high}M-4 {high}H4M-4 {low}H4");
        shapes.push(Shape::Path { class: "whisk", x: middle, path });
    }
    let text = bar.share.map_or_else(|| "–".to_owned(), |it| figure(it * 100.0));
    shapes.push(Shape::Text { class: "val wide-only", x: middle, dx: 0.0, y: top - 6.0, anchor: Anchor::Middle, text });
    shapes.push(Shape::Point { x: middle, y: HEIGHT + 13.0, role: bar.role });
    Shape::Mark { role: bar.role, label: bar.label.clone(), href: bar.href.clone(), shapes }
}

/// `0`, `4.9`, `100`.
fn figure(per_cent: f64) -> String {
    if per_cent == 0.0 || per_cent >= 99.95 { format!("{per_cent:.0}") } else { format!("{per_cent:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(share: Option<f64>, ends: Option<(f64, f64)>) -> Bar {
        Bar { role: Role::Insecure, share, ends, label: "insecure".into(), href: "/".into() }
    }

    fn shapes_of(bar: Bar) -> Vec<Shape> {
        let drawing = bars(&[BarGroup { name: "Plain".into(), bars: vec![bar] }], String::new());
        let found = drawing.shapes.into_iter().find_map(|it| match it {
            Shape::Mark { shapes, .. } => Some(shapes),
            _ => None,
        });
        found.expect("each bar is a mark")
    }

    #[test]
    fn a_bar_stands_on_0_and_its_whisker_spans_the_interval() {
        let shapes = shapes_of(bar(Some(0.2), Some((0.1, 0.5))));
        assert!(
            shapes.contains(&Shape::Rect { class: "fillbar", x: 21.62, width: 56.76, y: 156.0, height: 104.0 })
                || shapes.iter().any(|it| matches!(it, Shape::Rect { class: "fillbar", y: 156.0, height: 104.0, .. }))
        );
        let path = "M0 208V0M-4 0H4M-4 208H4".to_owned();
        assert!(shapes.contains(&Shape::Path { class: "whisk", x: 50.0, path }));
    }

    #[test]
    fn none_of_some_is_a_line_and_none_of_none_a_dash() {
        let is_zero = |it: &Shape| matches!(it, Shape::Line { class: "zero", .. });
        let says = |text: &'static str| move |it: &Shape| matches!(it, Shape::Text { text: said, .. } if said == text);
        let zero = shapes_of(bar(Some(0.0), Some((0.0, 0.05))));
        assert!(zero.iter().any(is_zero) && zero.iter().any(says("0")));
        let none = shapes_of(bar(None, None));
        assert!(!none.iter().any(is_zero) && none.iter().any(says("–")));
    }
}
