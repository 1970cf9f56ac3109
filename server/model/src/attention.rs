//! Attention of new tokens to the cached positions of their own sequence.
//!
//! Tokens attend in groups. Sequences with one new token each (decoding) go together where their slots are
//! neighbours; a sequence with several (its prompt, or a piece of it) goes alone. Softmax is in f32.

use tch::{Kind, Tensor};

use crate::cache::{Cached, LayerCache, TorchCache};
use crate::config::Reach;
use crate::layer::Heads;
use crate::packed::{Packed, Span};
use crate::placement::Place;

/// How the tokens of one layer attend.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// What products of queries and keys are multiplied with.
    pub scale: f64,
    /// `c`, where scores are bent to stay between `-c` and `c`.
    pub soft_cap: Option<f64>,
    pub reach: Reach,
}

/// Tokens that attend in one call.
pub enum Group {
    /// Sequences in neighbouring slots, one new token each.
    Decode { order: Order, first_slot: i64, n_slots: i64, views: Views },
    /// Several new tokens of one sequence.
    Prefill { start: i64, n_tokens: i64, slot: i64, views: Views },
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

/// The cached positions that a group's tokens look at, for each reach that a layer of the model has.
pub struct Views {
    all: View,
    window: Option<View>,
}

/// The `length` positions from `start` on, `S` of them.
struct View {
    start: i64,
    length: i64,
    mask: Mask,
}

/// Which of a view's positions a token must not look at.
enum Mask {
    /// None of them.
    Nothing,
    /// Those after its own, where tokens and positions are the same.
    Later,
    /// Those with -∞, where others have 0: `(n, S)`.
    Given(Tensor),
}

impl Attention {
    /// `softmax(cap(scale · q kᵀ)) v` for every token, `(N, (H + 2K) · D)` → `(N, H · D)`.
    pub fn attend(&self, qkv: &Tensor, heads: Heads, cache: &LayerCache, packed: &Packed) -> Tensor {
        match cache {
            LayerCache::Torch(cache) => {
                self.attend_in_groups(&heads.split(qkv).narrow(1, 0, heads.n_query), cache, &packed.groups)
            }
            LayerCache::Processor { processor, cache } => {
                processor.attend(cache, self.of_kernels(heads), qkv, &packed.cached_spans)
            }
        }
    }

    fn of_kernels(&self, heads: Heads) -> kernels::attention::Attention {
        let window = match self.reach {
            Reach::All => None,
            Reach::Window(window) => Some(window as usize),
        };
        let (scale, soft_cap) = (self.scale as f32, self.soft_cap.map(|cap| cap as f32));
        kernels::attention::Attention { n_query_heads: heads.n_query as usize, scale, soft_cap, window }
    }

    /// `q` `(N, H, D)` → `(N, H · D)`.
    fn attend_in_groups(&self, q: &Tensor, cache: &TorchCache, groups: &[Group]) -> Tensor {
        let [n_tokens, n_heads, head_dim] = q.size()[..] else { unreachable!("queries have three dimensions") };
        match groups {
            [only @ (Group::Decode { order: Order::Neighbours { .. }, .. } | Group::Prefill { .. })] => {
                self.attend_group(q, cache, only)
            }
            _ => {
                let mut attended = Tensor::empty([n_tokens, n_heads * head_dim], (q.kind(), q.device()));
                for group in groups {
                    group.put(&mut attended, &self.attend_group(&group.pick(q), cache, group));
                }
                attended
            }
        }
    }

    /// One group's queries `(n, H, D)` → `(n, H · D)`.
    fn attend_group(&self, q: &Tensor, cache: &TorchCache, group: &Group) -> Tensor {
        match group {
            Group::Decode { first_slot, n_slots, views, .. } => {
                let view = views.of(self.reach);
                self.decode(q, &cache.read(*first_slot, *n_slots, view.start, view.length), &view.mask)
            }
            Group::Prefill { slot, views, .. } => {
                let view = views.of(self.reach);
                self.prefill(q, &cache.read(*slot, 1, view.start, view.length), &view.mask)
            }
        }
    }

    /// One token of each sequence. The query heads that share a key head stand as that head's queries, so that keys
    /// and values are read once and never repeated: `q` `(B, H, D)`, keys and values `(B, K, S, D)` → `(B, H · D)`.
    fn decode(&self, q: &Tensor, cached: &Cached, mask: &Mask) -> Tensor {
        let [n_rows, n_key_heads, length, head_dim] = cached.keys.size()[..] else {
            unreachable!("keys have four dimensions")
        };
        let q = q.reshape([n_rows, n_key_heads, -1, head_dim]); // (B, K, G, D)
        let mask = mask.given().map(|mask| mask.view([n_rows, 1, 1, length]));
        let attended = match self.soft_cap {
            None => self.weigh(&q, &cached.keys, &cached.values, mask.as_ref(), false), // (B, K, G, D)
            Some(cap) => {
                let scores = self.capped_scores(&q, &cached.keys, cap); // (B, K, G, S)
                masked_softmax(scores, mask.as_ref()).to_kind(q.kind()).matmul(&cached.values)
            }
        };
        attended.reshape([n_rows, -1])
    }

    /// Several tokens of one sequence: `q` `(T, H, D)`, keys and values `(1, K, S, D)` → `(T, H · D)`.
    fn prefill(&self, q: &Tensor, cached: &Cached, mask: &Mask) -> Tensor {
        let [_, n_key_heads, length, head_dim] = cached.keys.size()[..] else {
            unreachable!("keys have four dimensions")
        };
        let n_tokens = q.size()[0];
        let q = q.reshape([n_tokens, n_key_heads, -1, head_dim]).permute([1, 2, 0, 3]); // (K, G, T, D)
        let attended = match self.soft_cap {
            None => {
                // Each key head stands as a batch of the query heads that share it, by a view.
                let shared = |x: &Tensor| x.transpose(0, 1).expand([n_key_heads, q.size()[1], length, head_dim], false); // (K, G, S, D)
                let is_causal = matches!(mask, Mask::Later);
                self.weigh(&q, &shared(&cached.keys), &shared(&cached.values), mask.given(), is_causal)
            }
            Some(cap) => self.prefill_capped(&q, cached, mask, cap),
        }; // (K, G, T, D)
        attended.permute([2, 0, 1, 3]).reshape([n_tokens, -1])
    }

    /// `q` `(K, G, T, D)` → `(K, G, T, D)`. All queries of a key head stand below each other.
    fn prefill_capped(&self, q: &Tensor, cached: &Cached, mask: &Mask, cap: f64) -> Tensor {
        let [n_key_heads, n_shared, n_tokens, head_dim] = q.size()[..] else {
            unreachable!("these queries have four dimensions")
        };
        let (keys, values) = (cached.keys.squeeze_dim(0), cached.values.squeeze_dim(0)); // (K, S, D)
        let q = q.reshape([n_key_heads, -1, head_dim]); // (K, G · T, D)
        let scores = self.capped_scores(&q, &keys, cap).view([n_key_heads, n_shared, n_tokens, -1]); // (K, G, T, S)
        let later = matches!(mask, Mask::Later).then(|| later(&scores));
        let weights = masked_softmax(scores, mask.given().or(later.as_ref())).to_kind(q.kind());
        let attended = weights.reshape([n_key_heads, n_shared * n_tokens, -1]).matmul(&values); // (K, G · T, D)
        attended.view([n_key_heads, n_shared, n_tokens, head_dim])
    }

    fn weigh(&self, q: &Tensor, keys: &Tensor, values: &Tensor, mask: Option<&Tensor>, is_causal: bool) -> Tensor {
        Tensor::scaled_dot_product_attention(q, keys, values, mask, 0.0, is_causal, self.scale, false)
    }

    /// `c · tanh(scale · q kᵀ / c)` in f32, `q` `(…, n, D)`, `keys` `(…, S, D)` → `(…, n, S)`.
    fn capped_scores(&self, q: &Tensor, keys: &Tensor, cap: f64) -> Tensor {
        let mut scores = q.matmul(&keys.transpose(-2, -1)).to_kind(Kind::Float);
        let _ = scores.g_mul_scalar_(self.scale / cap);
        let _ = scores.tanh_();
        scores.g_mul_scalar_(cap)
    }
}

/// Softmax of scores `(…, n, S)` that are not masked.
fn masked_softmax(scores: Tensor, mask: Option<&Tensor>) -> Tensor {
    let scores = match mask {
        Some(mask) => scores + mask,
        None => scores,
    };
    scores.softmax(-1, Kind::Float)
}

/// -∞ above the diagonal of scores `(…, T, T)`, `(T, T)`.
fn later(scores: &Tensor) -> Tensor {
    let n_tokens = scores.size()[2];
    Tensor::full([n_tokens, n_tokens], f64::NEG_INFINITY, (scores.kind(), scores.device())).triu(1)
}

impl Group {
    pub fn decode(order: Order, run: &[Span], positions: &Tensor, window: Option<i64>, place: &Place) -> Group {
        let seen = SeenBy { positions: order.pick(positions), place };
        let views = Views::new(window, |window| seen.by_run(run, window));
        Group::Decode { order, first_slot: run[0].slot, n_slots: run.len() as i64, views }
    }

    pub fn prefill(span: &Span, positions: &Tensor, window: Option<i64>, place: &Place) -> Group {
        let Span { start, n_tokens, slot, .. } = *span;
        let seen = SeenBy { positions: positions.narrow(0, start, n_tokens), place };
        let views = Views::new(window, |window| seen.by_piece(span, window));
        Group::Prefill { start, n_tokens, slot, views }
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

impl Views {
    fn new(window: Option<i64>, view: impl Fn(Option<i64>) -> View) -> Views {
        Views { all: view(None), window: window.map(|window| view(Some(window))) }
    }

    fn of(&self, reach: Reach) -> &View {
        match (reach, &self.window) {
            (Reach::Window(_), Some(window)) => window,
            _ => &self.all,
        }
    }
}

impl Mask {
    fn given(&self) -> Option<&Tensor> {
        match self {
            Mask::Given(mask) => Some(mask),
            Mask::Nothing | Mask::Later => None,
        }
    }
}

/// What the tokens at these positions `(n)` see.
struct SeenBy<'a> {
    positions: Tensor,
    place: &'a Place,
}

impl SeenBy<'_> {
    /// By the last tokens of sequences in neighbouring slots.
    fn by_run(&self, run: &[Span], window: Option<i64>) -> View {
        let lengths = || run.iter().map(Span::length);
        let shortest = lengths().min().expect("a run has at least one sequence");
        let longest = lengths().max().expect("a run has at least one sequence");
        let start = window_start(shortest, window);
        let mask = match shortest == longest {
            true => Mask::Nothing,
            false => Mask::Given(self.mask(start, longest, window)),
        };
        View { start, length: longest - start, mask }
    }

    /// By several tokens of one sequence.
    fn by_piece(&self, span: &Span, window: Option<i64>) -> View {
        let end = span.length();
        let start = window_start(span.position + 1, window);
        let mask = match span.position == 0 && window.is_none_or(|window| end <= window) {
            true => Mask::Later,
            false => Mask::Given(self.mask(start, end, window)),
        };
        View { start, length: end - start, mask }
    }

    /// 0 where a token may look and -∞ where it may not, over the positions from `start` to `end`: `(n, S)`.
    fn mask(&self, start: i64, end: i64, window: Option<i64>) -> Tensor {
        let own = self.positions.unsqueeze(1); // (n, 1)
        let seen = Tensor::arange_start(start, end, (Kind::Int64, self.place.device)); // (S)
        let later = seen.gt_tensor(&own); // (n, S)
        let hidden = match window {
            Some(window) => later.logical_or(&seen.le_tensor(&(own - window))),
            None => later,
        };
        Tensor::zeros(hidden.size(), self.place.options()).masked_fill(&hidden, f64::NEG_INFINITY)
    }
}

/// The first position that the last of `length` tokens sees.
fn window_start(length: i64, window: Option<i64>) -> i64 {
    window.map_or(0, |window| (length - window).max(0))
}
