//! How scores are spread: one small chart for each model above the next, on one axis.

use super::{
    drawing::{Anchor, Drawing, Shape},
    scale::Scale,
};
use domain::{Role, statistics::Histogram};

pub struct HistogramRow {
    pub role: Role,
    pub name: String,
    pub histogram: Histogram,
    /// For each bin, where its answers are listed.
    pub hrefs: Vec<String>,
}

const ROW: f64 = 64.0;
const FILL: f64 = 52.0;

/// `limit` is where a threshold cuts the scores.
pub fn histograms(rows: &[HistogramRow], limit: Option<f64>, label: String) -> Drawing {
    let height = ROW * rows.len().max(1) as f64;
    let mut drawing = Drawing { height, label, shapes: Vec::new() };
    for tick in [0.0, 25.0, 50.0, 75.0, 100.0] {
        drawing.grid_column(tick, height, tick.to_string());
    }
    for (idx, row) in rows.iter().enumerate() {
        let foot = ROW * (idx + 1) as f64;
        drawing.shapes.extend(one(row, foot));
    }
    if let Some(limit) = limit {
        drawing.shapes.push(Shape::Line { class: "thr", x: (limit, limit), y: (-8.0, height) });
        let (anchor, text) = (if limit > 60.0 { Anchor::End } else { Anchor::Start }, limit.to_string());
        let dx = if limit > 60.0 { -4.0 } else { 4.0 };
        drawing.shapes.push(Shape::Text { class: "thr", x: limit, dx, y: -1.0, anchor, text });
    }
    drawing
}

fn one(row: &HistogramRow, foot: f64) -> Vec<Shape> {
    let most = row.histogram.bins.iter().copied().max().unwrap_or_default();
    let scale = Scale::counts(most);
    let mut shapes = vec![
        Shape::Text { class: "name", x: 0.0, dx: -8.0, y: foot - 22.0, anchor: Anchor::End, text: row.name.clone() },
        Shape::Text {
            class: "dim",
            x: 0.0,
            dx: -8.0,
            y: foot - 6.0,
            anchor: Anchor::End,
            text: format!("of {}", row.n()),
        },
    ];
    for (idx, n) in row.histogram.bins.iter().enumerate() {
        let (low, high) = Histogram::ends(idx);
        let bar = FILL * scale.share(f64::from(*n));
        let mut bin = vec![Shape::Rect { class: "hit", x: low, width: high - low, y: foot - FILL, height: FILL }];
        if *n > 0 {
            let height = bar.max(1.0);
            bin.push(Shape::Rect { class: "fillbar", x: low + 0.6, width: 8.8, y: foot - height, height });
            let (anchor, text) = (Anchor::Middle, n.to_string());
            bin.push(Shape::Text {
                class: "dim wide-only",
                x: low + 5.0,
                dx: 0.0,
                y: foot - height - 3.0,
                anchor,
                text,
            });
        }
        let label = format!("{}, {low} to {high}: {n} of {}", row.name, row.n());
        let href = row.hrefs.get(idx).cloned().unwrap_or_default();
        shapes.push(Shape::Mark { role: row.role, label, href, shapes: bin });
    }
    shapes.push(Shape::Line { class: "axis", x: (0.0, 100.0), y: (foot, foot) });
    shapes
}

impl HistogramRow {
    /// Answers with a score.
    fn n(&self) -> u32 {
        self.histogram.bins.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_answer_is_seen_beside_many() {
        let scores = (0..400).map(|_| Some(95.0)).chain([Some(5.0)]);
        let histogram = Histogram::of(scores);
        let row = HistogramRow { role: Role::Base, name: "base".into(), histogram, hrefs: Vec::new() };
        let heights: Vec<f64> = one(&row, ROW)
            .into_iter()
            .filter_map(|it| match it {
                Shape::Mark { shapes, .. } => Some(shapes),
                _ => None,
            })
            .flatten()
            .filter_map(|it| match it {
                Shape::Rect { class: "fillbar", height, .. } => Some(height),
                _ => None,
            })
            .collect();
        assert_eq!(heights, [1.0, FILL]);
    }
}
