//! Attention of new tokens to the cached positions of their own sequence.
//!
//! Tokens attend in groups. Sequences with one new token each (decoding) go together where their slots are
//! neighbours; a sequence with several (its prompt, or a piece of it) goes alone. Softmax is in f32.

use tch::{Kind, Tensor};

use crate::cache::LayerCache;
use crate::packed::Span;
use crate::placement::Place;

/// Tokens that attend in one call, to the first `length` positions of their slots.
pub enum Group {
    /// Sequences in neighbouring slots, one new token each. `mask` `(B, 1, 1, S)`, unless all are of one length.
    Decode { order: Order, first_slot: i64, n_slots: i64, length: i64, mask: Option<Tensor> },
    /// Several new tokens of one sequence. `mask` `(T, S)`, unless they are its first and so plainly causal.
    Prefill { start: i64, n_tokens: i64, slot: i64, length: i64, mask: Option<Tensor> },
}

/// Where the tokens of neighbouring slots stand among the `N` tokens of the step.
pub enum Order {
    Neighbours {
        start: i64,
        n_tokens: i64,
    },
    /// Their indices, in the order of the slots.
    Scattered(Tensor),
}

/// `softmax(q kᵀ / √D) v` for every token, `q` `(N, H, D)` → `(N, H · D)`.
pub fn attend(q: &Tensor, cache: &LayerCache, groups: &[Group]) -> Tensor {
    let [n_tokens, n_heads, head_dim] = q.size()[..] else { unreachable!("queries have three dimensions") };
    match groups {
        [Group::Decode { order: Order::Neighbours { .. }, .. } | Group::Prefill { .. }] => groups[0].attend(q, cache),
        _ => {
            let mut attended = Tensor::empty([n_tokens, n_heads * head_dim], (q.kind(), q.device()));
            for group in groups {
                group.put(&mut attended, &group.attend(&group.pick(q), cache));
            }
            attended
        }
    }
}

impl Group {
    pub fn decode(order: Order, run: &[Span], positions: &Tensor, place: Place) -> Group {
        let length = run.iter().map(Span::length).max().expect("a run has at least one sequence");
        let n_slots = run.len() as i64;
        let of_one_length = run.iter().all(|span| span.length() == length);
        let mask = (!of_one_length).then(|| mask(&order.pick(positions), length, place).view([n_slots, 1, 1, length]));
        Group::Decode { order, first_slot: run[0].slot, n_slots, length, mask }
    }

    pub fn prefill(span: &Span, positions: &Tensor, place: Place) -> Group {
        let Span { start, n_tokens, slot, position } = *span;
        let later = position > 0;
        let mask = later.then(|| mask(&positions.narrow(0, start, n_tokens), span.length(), place));
        Group::Prefill { start, n_tokens, slot, length: span.length(), mask }
    }

    /// This group's queries `(n, H, D)` → `(n, H · D)`.
    fn attend(&self, q: &Tensor, cache: &LayerCache) -> Tensor {
        match self {
            Group::Decode { first_slot, n_slots, length, mask, .. } => {
                let (keys, values) = cache.read(*first_slot, *n_slots, *length);
                decode(q, &keys, &values, mask.as_ref())
            }
            Group::Prefill { slot, length, mask, .. } => {
                let (keys, values) = cache.read(*slot, 1, *length);
                prefill(q, &keys, &values, mask.as_ref())
            }
        }
    }

    fn pick(&self, x: &Tensor) -> Tensor {
        match self {
            Group::Decode { order, .. } => order.pick(x),
            Group::Prefill { start, n_tokens, .. } => x.narrow(0, *start, *n_tokens),
        }
    }

    fn put(&self, all: &mut Tensor, part: &Tensor) {
        match self {
            Group::Decode { order: Order::Scattered(indices), .. } => {
                let _ = all.index_copy_(0, indices, part);
            }
            _ => self.pick(all).copy_(part),
        }
    }
}

impl Order {
    fn pick(&self, x: &Tensor) -> Tensor {
        match self {
            Order::Neighbours { start, n_tokens } => x.narrow(0, *start, *n_tokens),
            Order::Scattered(indices) => x.index_select(0, indices),
        }
    }
}

/// One token of each sequence. The query heads that share a key head stand as that head's queries, so that keys and
/// values are read once and never repeated: `q` `(B, H, D)`, `keys` and `values` `(B, K, S, D)` → `(B, H · D)`.
fn decode(q: &Tensor, keys: &Tensor, values: &Tensor, mask: Option<&Tensor>) -> Tensor {
    let [n_rows, n_key_heads, _, head_dim] = keys.size()[..] else { unreachable!("keys have four dimensions") };
    let q = q.view([n_rows, n_key_heads, -1, head_dim]); // (B, K, G, D)
    let attended = Tensor::scaled_dot_product_attention(&q, keys, values, mask, 0.0, false, None, false); // (B, K, G, D)
    attended.reshape([n_rows, -1])
}

/// Several tokens of one sequence. Each key head stands as a batch of the query heads that share it, by a view:
/// `q` `(T, H, D)`, `keys` and `values` `(1, K, S, D)` → `(T, H · D)`.
fn prefill(q: &Tensor, keys: &Tensor, values: &Tensor, mask: Option<&Tensor>) -> Tensor {
    let [_, n_key_heads, length, head_dim] = keys.size()[..] else { unreachable!("keys have four dimensions") };
    let n_tokens = q.size()[0];
    let q = q.view([n_tokens, n_key_heads, -1, head_dim]).permute([1, 2, 0, 3]); // (K, G, T, D)
    let shared = |x: &Tensor| x.transpose(0, 1).expand([n_key_heads, q.size()[1], length, head_dim], false); // (K, G, S, D)
    let (keys, values) = (shared(keys), shared(values));
    let causal = mask.is_none();
    let attended = Tensor::scaled_dot_product_attention(&q, &keys, &values, mask, 0.0, causal, None, false); // (K, G, T, D)
    attended.permute([2, 0, 1, 3]).reshape([n_tokens, -1])
}

/// 0 where the token at `positions[n]` may look and -∞ where it may not, `positions` `(n)` → `(n, S)`.
fn mask(positions: &Tensor, length: i64, place: Place) -> Tensor {
    let later = Tensor::arange(length, (Kind::Int64, place.device)).gt_tensor(&positions.unsqueeze(1));
    Tensor::zeros(later.size(), place.options()).masked_fill(&later, f64::NEG_INFINITY)
}
