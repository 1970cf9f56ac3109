//! What the models hold of the memory, and what is left.

use domain::{DeviceMemory, Registered, Registry, size};
use leptos::prelude::*;

#[component]
pub fn MemoryPanel(registry: RwSignal<Registry>) -> impl IntoView {
    let devices = Memo::new(move |_| shares(&registry.read()));
    view! {
        <section class="panel" aria-label="Memory">
            <header>
                <h2>"Memory"</h2>
                <span class="end dim">"Adapters share the weights and the cache of their base."</span>
            </header>
            <div class="pad stack">{move || devices.get().into_iter().map(|it| view! { <Device device=it/> }).collect_view()}</div>
        </section>
    }
}

/// What one memory is used for, in bytes.
#[derive(Clone, PartialEq, Eq)]
struct Shares {
    device: String,
    weights: u64,
    adapters: u64,
    cache: u64,
    /// None where it cannot be measured.
    free: Option<u64>,
}

fn shares(registry: &Registry) -> Vec<Shares> {
    let mut devices: Vec<Shares> = Vec::new();
    for DeviceMemory { device, free_bytes } in &registry.memories {
        devices.push(Shares { free: Some(*free_bytes), ..Shares::none(device) });
    }
    for model in &registry.models {
        let domain::ModelState::Ready { device, .. } = &model.card.state else { continue };
        let idx = devices.iter().position(|it| it.device == *device).unwrap_or_else(|| {
            devices.push(Shares::none(device));
            devices.len() - 1
        });
        devices[idx].add(model);
    }
    devices
}

impl Shares {
    fn none(device: &str) -> Self {
        Self { device: device.to_owned(), weights: 0, adapters: 0, cache: 0, free: None }
    }

    fn add(&mut self, model: &Registered) {
        let Some(memory) = model.memory else { return };
        let weights = if model.base().is_some() { &mut self.adapters } else { &mut self.weights };
        *weights += memory.weights_bytes;
        self.cache += memory.cache_bytes;
    }

    fn parts(&self) -> [(&'static str, &'static str, u64); 3] {
        [
            ("base weights", "ink", self.weights),
            ("adapters", "soft", self.adapters),
            ("room for answers", "seq-3", self.cache),
        ]
    }
}

#[component]
fn Device(device: Shares) -> impl IntoView {
    let total = device.weights + device.adapters + device.cache + device.free.unwrap_or(0);
    let mut end = 0.0;
    let rects = device.parts().map(|(_, tone, bytes)| {
        let width = bytes as f64 * 100.0 / total.max(1) as f64;
        let x = end;
        end += width;
        view! { <rect x=format!("{x:.2}%") width=format!("{width:.2}%") data-tone=tone></rect> }
    });
    let legend = device.parts().into_iter().chain(device.free.map(|it| ("free", "rest", it)));
    let entry = |(what, tone, bytes): (&'static str, &'static str, u64)| {
        view! {
            <span class="who">
                <span class="swatch" data-tone=tone></span>
                {what}
                " "
                <span class="dim num">{size(bytes)}</span>
            </span>
        }
    };
    view! {
        <div class="stack">
            <svg class="bar" data-size="block" aria-hidden="true">
                {rects.into_iter().collect_view()}
            </svg>
            <div class="legend">
                <strong>{device.device.clone()}</strong>
                {legend.map(entry).collect_view()}
            </div>
        </div>
    }
}
