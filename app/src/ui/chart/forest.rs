//! Points with whiskers along one axis, a row for each thing that is asked about.

use super::{
    drawing::{Anchor, Drawing, Shape},
    scale::Scale,
};
use domain::Role;

pub struct ForestRow {
    pub name: String,
    pub reaches: Vec<Reach>,
}

/// A share from −1 to 1, and how far it may lie elsewhere.
pub struct Reach {
    pub role: Role,
    pub share: Option<f64>,
    pub ends: Option<(f64, f64)>,
    pub label: String,
    pub href: String,
}

const LINE: f64 = 10.0;
const GAP: f64 = 12.0;

pub fn forest(rows: &[ForestRow], label: String) -> Drawing {
    let all = || rows.iter().flat_map(|it| &it.reaches);
    let ends = || all().filter_map(|it| it.ends).flat_map(|(low, high)| [low, high]);
    let scale = Scale::per_cent(all().filter_map(|it| it.share).chain(ends()));
    let height = rows.iter().map(row_height).sum::<f64>().max(LINE);
    let mut drawing = Drawing { height, label, shapes: Vec::new() };
    for tick in scale.ticks() {
        drawing.grid_column(scale.share(tick) * 100.0, height, tick.to_string().replace('-', "−"));
    }
    let zero = scale.share(0.0) * 100.0;
    drawing.shapes.push(Shape::Line { class: "axis", x: (zero, zero), y: (0.0, height) });
    let mut top = 0.0;
    for row in rows {
        let (middle, text) = (top + row_height(row) / 2.0 + 4.0, row.name.clone());
        drawing.shapes.push(Shape::Text { class: "name", x: 0.0, dx: -8.0, y: middle, anchor: Anchor::End, text });
        for (idx, reach) in row.reaches.iter().enumerate() {
            let y = top + GAP / 2.0 + (idx as f64 + 0.5) * LINE;
            drawing.shapes.push(mark(reach, y, scale));
        }
        top += row_height(row);
        if top < height {
            drawing.shapes.push(Shape::Line { class: "grid", x: (0.0, 100.0), y: (top, top) });
        }
    }
    drawing
}

fn row_height(row: &ForestRow) -> f64 {
    (row.reaches.len() as f64 * LINE).max(LINE) + GAP
}

fn mark(reach: &Reach, y: f64, scale: Scale) -> Shape {
    let x = |share: f64| scale.share(share * 100.0) * 100.0;
    let hit = Shape::Rect { class: "hit", x: 0.0, width: 100.0, y: y - LINE / 2.0, height: LINE };
    let mut shapes = vec![hit];
    if let Some((low, high)) = reach.ends {
        shapes.push(Shape::Line { class: "reach", x: (x(low), x(high)), y: (y, y) });
    }
    match reach.share {
        Some(share) => shapes.push(Shape::Point { x: x(share), y, role: reach.role }),
        None => {
            let (anchor, text) = (Anchor::Start, "–".to_owned());
            shapes.push(Shape::Text { class: "dim", x: x(0.0), dx: 6.0, y: y + 4.0, anchor, text });
        }
    }
    Shape::Mark { role: reach.role, label: reach.label.clone(), href: reach.href.clone(), shapes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_lies_left_of_0_where_it_is_below() {
        let reach = Reach {
            role: Role::Secure,
            share: Some(-0.05),
            ends: Some((-0.1, 0.05)),
            label: String::new(),
            href: String::new(),
        };
        let drawing = forest(&[ForestRow { name: "secure".into(), reaches: vec![reach] }], String::new());
        // From −10 to 5 per cent.
        assert!(
            drawing
                .shapes
                .iter()
                .any(|it| matches!(it, Shape::Line { class: "axis", x: (x, _), .. } if (x - 66.67).abs() < 0.01))
        );
        let shapes = drawing.shapes.iter().find_map(|it| match it {
            Shape::Mark { shapes, .. } => Some(shapes),
            _ => None,
        });
        let is_third = |it: &Shape| matches!(it, Shape::Point { x, .. } if (x - 33.33).abs() < 0.01);
        assert!(shapes.expect("each reach is a mark").iter().any(is_third));
        assert_eq!(drawing.height, 22.0);
    }
}
