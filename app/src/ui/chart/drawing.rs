//! The shapes of a chart. x in per cent of the width, y in pixels: the server can draw it without measuring, and text keeps
//! its size at every width.

use domain::Role;
use leptos::{prelude::*, svg};

#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// In pixels, without what stands beside the axes.
    pub height: f64,
    /// What it shows, in a sentence.
    pub label: String,
    pub shapes: Vec<Shape>,
}

/// Classes are those of style/chart.css.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Line {
        class: &'static str,
        x: (f64, f64),
        y: (f64, f64),
    },
    Rect {
        class: &'static str,
        x: f64,
        width: f64,
        y: f64,
        height: f64,
    },
    /// `dx` in pixels.
    Text {
        class: &'static str,
        x: f64,
        dx: f64,
        y: f64,
        anchor: Anchor,
        text: String,
    },
    /// The shape of a role.
    Point {
        x: f64,
        y: f64,
        role: Role,
    },
    /// In pixels from `x`.
    Path {
        class: &'static str,
        x: f64,
        path: String,
    },
    /// What belongs to one number: has its role's colour and leads to the answers behind it.
    Mark {
        role: Role,
        label: String,
        href: String,
        shapes: Vec<Shape>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Drawing {
    pub fn grid_line(&mut self, y: f64, text: String) {
        self.shapes.push(Shape::Line { class: "grid", x: (0.0, 100.0), y: (y, y) });
        self.shapes.push(Shape::Text { class: "dim", x: 0.0, dx: -8.0, y: y + 4.0, anchor: Anchor::End, text });
    }

    pub fn grid_column(&mut self, x: f64, height: f64, text: String) {
        self.shapes.push(Shape::Line { class: "grid", x: (x, x), y: (0.0, height) });
        let y = height + 18.0;
        self.shapes.push(Shape::Text { class: "dim", x, dx: 0.0, y, anchor: Anchor::Middle, text });
    }
}

/// One chart on the page.
#[component]
pub fn DrawingView(drawing: Drawing) -> impl IntoView {
    view! {
        <svg height=drawing.height role="group" aria-label=drawing.label>
            {drawing.shapes.into_iter().map(shape_view).collect_view()}
        </svg>
    }
}

pub fn shape_view(shape: Shape) -> AnyView {
    match shape {
        Shape::Line { class, x, y } => {
            view! { <line class=class x1=percent(x.0) x2=percent(x.1) y1=round(y.0) y2=round(y.1)></line> }.into_any()
        }
        Shape::Rect { class, x, width, y, height } => {
            view! { <rect class=class x=percent(x) width=percent(width) y=round(y) height=round(height)></rect> }
                .into_any()
        }
        Shape::Text { class, x, dx, y, anchor, text } => view! {
            <text class=class x=percent(x) dx=round(dx) y=round(y) text-anchor=anchor.as_str()>
                {text}
            </text>
        }
        .into_any(),
        Shape::Point { x, y, role } => {
            let href = format!("/sprite.svg#p-{}", role.as_str());
            view! { <use class="pt-role" data-role=role.as_str() href=href x=percent(x) y=round(y)></use> }.into_any()
        }
        Shape::Path { class, x, path } => view! {
            <svg x=percent(x) y="0" width="1" height="1" overflow="visible">
                <path class=class d=path></path>
            </svg>
        }
        .into_any(),
        Shape::Mark { role, label, href, shapes } => svg::a()
            .attr("class", "datum")
            .attr("href", href)
            .attr("data-role", role.as_str())
            .attr("aria-label", label.clone())
            .child((svg::title().child(label), shapes.into_iter().map(shape_view).collect_view()))
            .into_any(),
    }
}

/// `12.5%`.
pub fn percent(value: f64) -> String {
    format!("{}%", round(value))
}

/// To a hundredth, without trailing zeros.
pub fn round(value: f64) -> f64 {
    // Adding 0 takes the sign off a zero.
    (value * 100.0).round() / 100.0 + 0.0
}
