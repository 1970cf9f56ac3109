//! The browser's end of a page's event stream.

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

/// An open stream; closed when dropped. Only in the browser.
pub struct EventStream {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

/// What comes out of a stream.
pub enum Arrival<E> {
    Event(E),
    /// The line is broken; the browser opens it again by itself.
    Broken,
    /// The server has turned the stream away, so that the browser gives up.
    Refused,
}

impl EventStream {
    /// Opens the stream at `url`; none where the browser cannot.
    pub fn open<E: DeserializeOwned>(url: &str, on_arrival: impl Fn(Arrival<E>) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let on_event = on_arrival.clone();
        let on_message = Closure::<dyn FnMut(_)>::new(move |message: MessageEvent| {
            let data = message.data().as_string().unwrap_or_default();
            match serde_json::from_str(&data) {
                Ok(event) => on_event(Arrival::Event(event)),
                // A server of another version speaks here; opening the stream anew would not help.
                Err(err) => leptos::logging::error!("cannot read an event of the stream: {err}"),
            }
        });
        let broken = source.clone();
        let on_error = Closure::<dyn FnMut()>::new(move || {
            let has_given_up = broken.ready_state() == EventSource::CLOSED;
            on_arrival(if has_given_up { Arrival::Refused } else { Arrival::Broken });
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, _on_message: on_message, _on_error: on_error })
    }
}

impl EventStream {
    /// Lets nothing more arrive; may be called while something does.
    pub fn close(&self) {
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.close();
    }
}
