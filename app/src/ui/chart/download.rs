//! Taking a chart away: as a drawing, as a picture, as a table. Only in the browser.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, HtmlImageElement, Url,
};

/// Pixels of a picture for each of a drawing.
const DENSITY: f64 = 2.0;

pub fn save_svg(name: &str, svg: &str) {
    // A browser that cannot save says so itself.
    let _ = save_text(&format!("{name}.svg"), "image/svg+xml", svg);
}

pub fn save_csv(name: &str, csv: &str) {
    // With the mark by which spreadsheets know UTF-8.
    let _ = save_text(&format!("{name}.csv"), "text/csv", &format!("\u{feff}{csv}"));
}

/// Has the browser draw the drawing, and saves what it drew.
pub fn save_png(name: &str, svg: &str) {
    let name = format!("{name}.png");
    let Ok(image) = HtmlImageElement::new() else { return };
    let drawn = image.clone();
    let on_load = Closure::once_into_js(move || {
        if let Some(url) = picture(&drawn) {
            let _ = click(&name, &url);
        }
    });
    image.set_onload(Some(on_load.unchecked_ref()));
    let text = js_sys::encode_uri_component(svg).as_string().unwrap_or_default();
    image.set_src(&format!("data:image/svg+xml,{text}"));
}

fn picture(image: &HtmlImageElement) -> Option<String> {
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    let (width, height) = (f64::from(image.width()) * DENSITY, f64::from(image.height()) * DENSITY);
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.draw_image_with_html_image_element_and_dw_and_dh(image, 0.0, 0.0, width, height).ok()?;
    canvas.to_data_url().ok()
}

fn save_text(name: &str, kind: &str, text: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    click(name, &url)?;
    Url::revoke_object_url(&url)
}

fn click(name: &str, url: &str) -> Result<(), JsValue> {
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(url);
    link.set_download(name);
    link.set_rel("external");
    link.click();
    Ok(())
}
