//! Keys and values of past positions: one slot per sequence, allocated once and updated in place.
//!
//! A slot is one sequence's alone and never shared between variants, because an adapter on any layer changes the keys
//! and values of all later ones.

use std::ops::Range;

use kernels::attention::{CachePrecision, CacheShape, KeyValues};
use tch::{Kind, Tensor};

use crate::LoadError;
use crate::config::Config;
use crate::layer::Heads;
use crate::packed::Packed;
use crate::placement::Place;
use crate::processor::Processor;

/// The cached keys and values of every layer.
pub struct Cache {
    n_slots: i64,
    /// `K`
    n_heads: i64,
    /// Positions that a slot can hold.
    n_positions: i64,
    /// How far back those layers look that do not look at everything.
    window: Option<i64>,
    layers: Vec<LayerCache>,
}

/// Keys and values of one layer.
pub enum LayerCache {
    Torch(TorchCache),
    Processor { processor: Processor, cache: KeyValues },
}

/// `(slots, 2K, S, D)`: the first `K` heads are keys, the others values.
pub struct TorchCache(Tensor);

/// Keys and values of some positions, each `(slots, K, S, D)`.
pub struct Cached {
    pub keys: Tensor,
    pub values: Tensor,
}

impl Cache {
    pub(crate) fn new(config: &Config, n_slots: u32, n_positions: u32, place: &Place) -> Result<Cache, LoadError> {
        let (slots, positions) = (i64::from(n_slots), i64::from(n_positions));
        let layers = (0..config.num_hidden_layers)
            .map(|_| LayerCache::new(config, (slots, positions), place))
            .collect::<Result<_, _>>()
            .map_err(|reason| LoadError::Torch {
                doing: format!("make room for {n_slots} sequences of {n_positions} positions"),
                reason,
            })?;
        let (n_heads, window) = (config.num_key_value_heads, config.window());
        Ok(Cache { n_slots: slots, n_heads, n_positions: positions, window, layers })
    }

    pub fn n_slots(&self) -> i64 {
        self.n_slots
    }

    pub fn n_positions(&self) -> i64 {
        self.n_positions
    }

    pub fn window(&self) -> Option<i64> {
        self.window
    }

    /// Empties these positions of a slot for the next sequence.
    ///
    /// What a mask hides has weight 0, but 0 · NaN is NaN: a sequence that ended in NaN must leave nothing behind.
    pub fn clear(&mut self, slot: i64, positions: Range<i64>) {
        if positions.is_empty() {
            return;
        }
        for layer in &mut self.layers {
            layer.clear(slot, &positions);
        }
    }

    /// Copies the first positions of one slot to another.
    pub fn copy(&mut self, from: i64, to: i64, n_positions: i64) {
        for layer in &mut self.layers {
            layer.copy(from, to, n_positions);
        }
    }

    pub fn clear_all(&mut self) {
        for slot in 0..self.n_slots {
            self.clear(slot, 0..self.n_positions);
        }
    }

    /// Where one position's keys and values go: rows of the layer seen as `(slots · 2K · S, D)`, one per head.
    pub(crate) fn places(&self, slot: i64, position: i64) -> impl Iterator<Item = i64> + use<> {
        let (n_positions, n_rows) = (self.n_positions, 2 * self.n_heads);
        (slot * n_rows..(slot + 1) * n_rows).map(move |head| head * n_positions + position)
    }

    pub(crate) fn layer(&mut self, idx: usize) -> &mut LayerCache {
        &mut self.layers[idx]
    }
}

impl LayerCache {
    fn new(config: &Config, (n_slots, n_positions): (i64, i64), place: &Place) -> Result<LayerCache, tch::TchError> {
        let (n_heads, head_dim) = (config.num_key_value_heads, config.head_dim);
        let Some(processor) = place.processor.clone() else {
            let shape = [n_slots, 2 * n_heads, n_positions, head_dim];
            return Tensor::f_zeros(shape, place.options()).map(|layer| LayerCache::Torch(TorchCache(layer)));
        };
        let [n_slots, n_heads, n_positions, head_dim] =
            [n_slots, n_heads, n_positions, head_dim].map(|size| size as usize);
        let shape = CacheShape { n_slots, n_heads, n_positions, head_dim };
        let precision = match place.cache_kind() {
            Kind::BFloat16 => CachePrecision::Bf16,
            _ => CachePrecision::F32,
        };
        Ok(LayerCache::Processor { processor, cache: KeyValues::new(shape, precision) })
    }

    /// Puts keys and values of new tokens into their places, `(N, (H + 2K) · D)`.
    pub fn put(&mut self, qkv: &Tensor, heads: Heads, packed: &Packed) {
        match self {
            LayerCache::Torch(cache) => {
                cache.put(&heads.split(qkv).narrow(1, heads.n_query, 2 * heads.n_key), &packed.places);
            }
            LayerCache::Processor { processor, cache } => processor.put(cache, qkv, heads, &packed.cached_spans),
        }
    }

    fn clear(&mut self, slot: i64, positions: &Range<i64>) {
        match self {
            LayerCache::Torch(TorchCache(layer)) => {
                let _ = layer.select(0, slot).narrow(1, positions.start, positions.end - positions.start).zero_();
            }
            // What a token does not see is never read there.
            LayerCache::Processor { .. } => {}
        }
    }

    fn copy(&mut self, from: i64, to: i64, n_positions: i64) {
        match self {
            LayerCache::Torch(TorchCache(layer)) => {
                let first = |slot| layer.select(0, slot).narrow(1, 0, n_positions); // (2K, n, D)
                first(to).copy_(&first(from));
            }
            LayerCache::Processor { cache, .. } => cache.copy(from as usize, to as usize, n_positions as usize),
        }
    }
}

impl TorchCache {
    /// Puts keys and values of new tokens `(N, 2K, D)` into their places `(N · 2K)`.
    fn put(&mut self, keys_and_values: &Tensor, places: &Tensor) {
        let head_dim = self.0.size()[3];
        let rows = keys_and_values.reshape([-1, head_dim]); // (N · 2K, D)
        let _ = self.0.view([-1, head_dim]).index_copy_(0, places, &rows);
    }

    /// Keys and values of `length` positions of neighbouring slots: views, nothing is copied.
    pub fn read(&self, first_slot: i64, n_slots: i64, start: i64, length: i64) -> Cached {
        let seen = self.0.narrow(0, first_slot, n_slots).narrow(2, start, length); // (slots, 2K, S, D)
        let n_heads = seen.size()[1] / 2;
        Cached { keys: seen.narrow(1, 0, n_heads), values: seen.narrow(1, n_heads, n_heads) }
    }
}
