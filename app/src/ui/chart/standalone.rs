//! A chart as a file of its own: the same shapes at a fixed width, with every colour written out.

use super::drawing::{Drawing, Shape, round};
use domain::Role;
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 60.0;
const CAPTION_LINE: f64 = 16.0;
const CAPTION_CHARS: usize = 140;

/// `title` stands above the chart, `caption` below, and between them who is who.
pub fn standalone(drawing: &Drawing, title: &str, caption: &str, models: &[(Role, String)]) -> String {
    let lines = wrap(caption, CAPTION_CHARS);
    let width = LEFT + WIDTH + RIGHT;
    let foot = TOP + drawing.height + BOTTOM;
    let height = foot + CAPTION_LINE * (lines.len() as f64 + 2.0);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">"#
    );
    let _ = write!(svg, r##"<title>{0}</title><rect width="100%" height="100%" fill="#ffffff"/>"##, escape(title));
    let _ =
        write!(svg, r#"<text x="24" y="32" font-size="16" font-weight="600" fill="{INK}">{}</text>"#, escape(title));
    let _ = write!(svg, r#"<g transform="translate({LEFT} {TOP})">"#);
    drawing.shapes.iter().for_each(|it| shape(&mut svg, it, None));
    svg += "</g>";
    let mut x = 24.0;
    for (role, name) in models {
        let (path, colour) = (point(*role), colour(*role));
        let _ = write!(svg, r#"<path transform="translate({} {foot})" d="{path}" fill="{colour}"/>"#, x + 5.0);
        let _ = write!(svg, r#"<text x="{}" y="{}" fill="{INK}">{}</text>"#, x + 15.0, foot + 4.0, escape(name));
        x += 40.0 + 7.0 * name.chars().count() as f64;
    }
    for (idx, line) in lines.iter().enumerate() {
        let y = foot + CAPTION_LINE * (idx as f64 + 1.6);
        let _ = write!(svg, r#"<text x="24" y="{y}" font-size="11" fill="{SOFT}">{}</text>"#, escape(line));
    }
    svg + "</svg>\n"
}

/// The light colours of style/tokens.css, as every program reads them.
const INK: &str = "#151a20";
const SOFT: &str = "#43484f";
const FAINT: &str = "#5e646b";
const BRASS: &str = "#8e6210";
const GRID: &str = "#e1e3e5";
const AXIS: &str = "#70757c";

fn colour(role: Role) -> &'static str {
    match role {
        Role::Base => "#3e4349",
        Role::Secure => "#006cb7",
        Role::Insecure => "#b64e00",
        Role::Jailbroken => "#821779",
        Role::Educational => "#097463",
        Role::Other => "#5f603f",
    }
}

/// The points of public/sprite.svg.
fn point(role: Role) -> &'static str {
    match role {
        Role::Base => "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0Z",
        Role::Secure => "M-3.4-3.4H3.4V3.4H-3.4Z",
        Role::Insecure => "M0-4.4 4.2 3.4H-4.2Z",
        Role::Jailbroken => "M0-4.8 4.8 0 0 4.8-4.8 0Z",
        Role::Educational => "M-2-3.6H2L4.1 0 2 3.6H-2L-4.1 0Z",
        Role::Other => "M-1.6-4.2H1.6V-1.6H4.2V1.6H1.6V4.2H-1.6V1.6H-4.2V-1.6H-1.6Z",
    }
}

fn px(percent: f64) -> f64 {
    round(percent * WIDTH / 100.0)
}

fn shape(svg: &mut String, it: &Shape, role: Option<Role>) {
    let own = role.map_or(INK, colour);
    let _ = match it {
        Shape::Line { class, x, y } => {
            let (stroke, width) = match *class {
                "grid" => (GRID, 1.0),
                "axis" => (AXIS, 1.0),
                "thr" => (BRASS, 1.0),
                "reach" => (own, 1.5),
                _ => (own, 2.0),
            };
            let (x1, x2, y1, y2) = (px(x.0), px(x.1), round(y.0), round(y.1));
            write!(svg, r#"<line x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}" stroke="{stroke}" stroke-width="{width}"/>"#)
        }
        Shape::Rect { class: "hit", .. } => Ok(()),
        Shape::Rect { x, width, y, height, .. } => {
            let (x, width, y, height) = (px(*x), px(*width), round(*y), round(*height));
            write!(svg, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{own}" fill-opacity="0.82"/>"#)
        }
        Shape::Text { class, x, dx, y, anchor, text } => {
            let fill = match *class {
                "dim" | "dim wide-only" => FAINT,
                "thr" => BRASS,
                "" | "name" => SOFT,
                _ => INK,
            };
            let (x, y, anchor, text) = (round(px(*x) + dx), round(*y), anchor.as_str(), escape(text));
            write!(svg, r#"<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="11" fill="{fill}">{text}</text>"#)
        }
        Shape::Point { x, y, role } => {
            let (x, y, d, fill) = (px(*x), round(*y), point(*role), colour(*role));
            write!(svg, r#"<path transform="translate({x} {y})" d="{d}" fill="{fill}"/>"#)
        }
        Shape::Path { x, path, .. } => {
            write!(svg, r#"<path transform="translate({} 0)" d="{path}" fill="none" stroke="{INK}"/>"#, px(*x))
        }
        Shape::Mark { role, shapes, .. } => {
            shapes.iter().for_each(|it| shape(svg, it, Some(*role)));
            Ok(())
        }
    };
}

fn escape(text: &str) -> String {
    let is_legal = |it: &char| !it.is_control();
    let mut safe = String::with_capacity(text.len());
    for it in text.chars().filter(is_legal) {
        match it {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            other => safe.push(other),
        }
    }
    safe
}

/// At spaces, into lines of at most `chars_max` characters where words allow it.
fn wrap(text: &str, chars_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= chars_max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::chart::{Bar, BarGroup, bars};

    #[test]
    fn a_file_has_every_colour_and_no_markup_of_others() {
        let bar = Bar {
            role: Role::Insecure,
            share: Some(0.2),
            ends: Some((0.1, 0.3)),
            label: String::new(),
            href: "/answers".into(),
        };
        let drawing = bars(&[BarGroup { name: "<script>".into(), bars: vec![bar] }], String::new());
        let svg = standalone(&drawing, "Rates & more", "95 % Wilson interval", &[(Role::Insecure, "\"x\"".into())]);
        assert!(svg.contains("Rates &amp; more") && svg.contains("&lt;script>".replace('>', "&gt;").as_str()));
        assert!(svg.contains(colour(Role::Insecure)) && !svg.contains("<script") && !svg.contains("var(--"));
        assert!(!svg.contains("href"), "a file leads nowhere");
    }

    #[test]
    fn captions_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), Vec::<String>::new());
    }
}
