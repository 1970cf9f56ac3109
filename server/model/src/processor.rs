//! The kernels of the processor, taking and giving tensors.
//!
//! Tensors here are of f32, whole and on the processor; [`numbers`] sees to that.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use engine::{NTop, Score};
use kernels::activation::{Gate, gated};
use kernels::attention::{Attention, KeyValues, QueriesKeysValues, Span};
use kernels::likelihood::{LogProbabilities, log_probabilities};
use kernels::norm::{rms_norm, rms_norm_within};
use kernels::rotary::{Turns, turn};
use kernels::sample::{Sampling, draw};
use kernels::{Matrix, Pool, Precision, Rows, Values};
use tch::{Device, Kind, Tensor};

use crate::config::Activation;
use crate::layer::Heads;
use crate::sampler::Ask;
use crate::scorer::Question;

/// The threads of one model, and what they can compute.
#[derive(Clone)]
pub struct Processor(Arc<Pool>);

impl Processor {
    /// All of the machine's threads, until told otherwise.
    pub fn new() -> Processor {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = Pool::new(n_cores);
        if let Some(refused) = pool.refused() {
            let used = pool.instructions();
            tracing::warn!(%refused, %used, "instructions of this processor do not compute what they should");
        }
        Processor(Arc::new(pool))
    }

    pub fn pool(&self) -> &Pool {
        &self.0
    }

    /// Packs matrices `(out, in)` one below the other, and their biases.
    pub fn pack(&self, parts: &[Tensor], bias: Option<&Tensor>, precision: Precision) -> PackedMatrix {
        let parts: Vec<Tensor> = parts.iter().map(Tensor::contiguous).collect();
        let n_inputs = parts[0].size()[1] as usize;
        let rows: Vec<Rows> = parts.iter().map(rows).collect();
        let matrix = Matrix::pack(&self.0, &rows, n_inputs, precision);
        let matrix = match bias {
            Some(bias) => matrix.with_bias(numbers(&bias.to_kind(Kind::Float).contiguous())),
            None => matrix,
        };
        PackedMatrix { matrix: Arc::new(matrix), processor: self.clone() }
    }

    /// `x / √(mean(x²) + ε) · w`, `x` `(N, C)`.
    pub fn norm(&self, x: &Tensor, weight: &Tensor, eps: f64) -> Tensor {
        let mut y = x.empty_like();
        rms_norm(&self.0, numbers(x), numbers(weight), eps as f32, numbers_mut(&mut y));
        y
    }

    /// The same in place for each of these heads, `x` `(N, (H + 2K) · D)`.
    pub fn norm_heads(&self, x: &mut Tensor, heads: Range<i64>, weight: &Tensor, eps: f64) {
        let (width, head_dim) = (x.size()[1] as usize, weight.size()[0]);
        let columns = (heads.start * head_dim) as usize..(heads.end * head_dim) as usize;
        rms_norm_within(&self.0, numbers_mut(x), width, columns, numbers(weight), eps as f32);
    }

    /// Turns queries and keys in place, `x` `(N, (H + 2K) · D)`.
    pub fn turn(&self, x: &mut Tensor, heads: Heads, turns: Turns) {
        let width = x.size()[1] as usize;
        let columns = 0..((heads.n_query + heads.n_key) * heads.size) as usize;
        turn(&self.0, numbers_mut(x), width, columns, heads.size as usize, turns);
    }

    pub fn put(&self, cache: &mut KeyValues, x: &Tensor, heads: Heads, spans: &[Span]) {
        cache.put(&self.0, heads.n_query as usize, QueriesKeysValues(numbers(x)), spans);
    }

    /// `(N, (H + 2K) · D)` → `(N, H · D)`.
    pub fn attend(&self, cache: &KeyValues, attention: Attention, x: &Tensor, spans: &[Span]) -> Tensor {
        let width = attention.n_query_heads * cache.shape().head_dim;
        let mut y = Tensor::empty([x.size()[0], width as i64], F32);
        cache.attend(&self.0, attention, QueriesKeysValues(numbers(x)), spans, numbers_mut(&mut y));
        y
    }

    /// `activation(gate) · up`, `(N, 2 · intermediate)` → `(N, intermediate)`.
    pub fn gated(&self, activation: Activation, gate_up: &Tensor) -> Tensor {
        let gate = match activation {
            Activation::Silu => Gate::Silu,
            Activation::GeluTanh => Gate::GeluTanh,
        };
        let [n_rows, width] = gate_up.size()[..] else { unreachable!("activations have two dimensions") };
        let mut y = Tensor::empty([n_rows, width / 2], F32);
        gated(&self.0, gate, numbers(gate_up), width as usize / 2, numbers_mut(&mut y));
        y
    }
}

impl Processor {
    /// Draws one token per row, `(B, V)`.
    pub fn draw(&self, logits: &Tensor, asks: &[Ask]) -> Vec<Option<u32>> {
        let ask = |(sampling, uniform): &Ask| match *sampling {
            engine::Sampling::Greedy => (Sampling::Greedy, *uniform),
            engine::Sampling::Random { temperature, top_p, top_k } => {
                let top_k = top_k.map(|k| k as usize);
                (Sampling::Random { temperature, top_p, top_k }, *uniform)
            }
        };
        let asks: Vec<_> = asks.iter().map(ask).collect();
        let drawn = draw(&self.0, numbers(&logits.contiguous()), &asks);
        drawn.into_iter().map(|token| token.map(|token| token as u32)).collect()
    }

    /// One answer for each question, `(n, V)`.
    pub fn score(&self, logits: &Tensor, questions: &[Question]) -> Vec<Option<Score>> {
        let tokens: Vec<usize> = questions.iter().map(|(token, _)| *token as usize).collect();
        let asked = |(tokens, (_, NTop(n))): (_, &Question)| kernels::likelihood::Question {
            tokens,
            n_likeliest: usize::from(*n),
        };
        let asked: Vec<_> = tokens.chunks(1).zip(questions).map(asked).collect();
        let answers = log_probabilities(&self.0, numbers(&logits.contiguous()), &asked);
        answers.into_iter().map(|answer| answer.map(score)).collect()
    }
}

fn score(answer: LogProbabilities) -> Score {
    let top = answer.likeliest.into_iter().map(|(token, logprob)| (token as u32, logprob as f32));
    Score { logprob: answer.of_tokens[0] as f32, top: top.collect() }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Processor({}, {} threads)", self.0.instructions(), self.0.n_threads())
    }
}

/// A matrix in the processor's own layout.
#[derive(Clone)]
pub struct PackedMatrix {
    matrix: Arc<Matrix>,
    processor: Processor,
}

impl PackedMatrix {
    /// `y = x Wᵀ + b`, `(N, in)` → `(N, out)`.
    pub fn multiply(&self, x: &Tensor) -> Tensor {
        let mut y = Tensor::empty([x.size()[0], self.matrix.n_outputs() as i64], F32);
        self.matrix.multiply(self.processor.pool(), numbers(x), numbers_mut(&mut y));
        y
    }

    /// `y = y + x Wᵀ`, `x` `(N, in)`, `y` `(N, out)`.
    pub fn multiply_add(&self, x: &Tensor, y: &mut Tensor) {
        self.matrix.multiply_add(self.processor.pool(), numbers(x), numbers_mut(y));
    }

    /// Rows of the matrix, ids `(N)` → `(N, in)`.
    pub fn look_up(&self, ids: &Tensor) -> Tensor {
        let rows = Vec::<i64>::try_from(ids).expect("ids are a row of integers");
        let mut y = Tensor::empty([rows.len() as i64, self.matrix.n_inputs() as i64], F32);
        let into = numbers_mut(&mut y).chunks_mut(self.matrix.n_inputs());
        rows.iter().zip(into).for_each(|(row, into)| self.matrix.row(*row as usize, into));
        y
    }
}

impl fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}, {})", self.matrix.precision(), self.matrix.n_outputs(), self.matrix.n_inputs())
    }
}

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

fn check(x: &Tensor, kind: Kind) {
    let fits = x.device() == Device::Cpu && x.kind() == kind && x.is_contiguous();
    assert!(fits, "{x:?} is not {kind:?}, whole and on the processor");
}

/// The numbers of a tensor of f32, last dimension first.
pub fn numbers(x: &Tensor) -> &[f32] {
    check(x, Kind::Float);
    // SAFETY: so many numbers lie there, side by side, and stay as long as the tensor is borrowed.
    unsafe { slice(x) }
}

/// The same, to write to.
pub fn numbers_mut(x: &mut Tensor) -> &mut [f32] {
    check(x, Kind::Float);
    if x.numel() == 0 {
        return &mut [];
    }
    // SAFETY: as of `numbers`; the model's tensors are used by one thread, which holds no other view of these numbers.
    unsafe { std::slice::from_raw_parts_mut(x.data_ptr().cast(), x.numel()) }
}

/// # Safety
///
/// The tensor is whole, on the processor, and of the kind that `T` stands for.
unsafe fn slice<T>(x: &Tensor) -> &[T] {
    if x.numel() == 0 {
        return &[];
    }
    // SAFETY: as the caller's.
    unsafe { std::slice::from_raw_parts(x.data_ptr().cast::<T>(), x.numel()) }
}

fn rows(weight: &Tensor) -> Rows<'_> {
    check(weight, weight.kind());
    // SAFETY: each arm takes its kind for what it is.
    let values = unsafe {
        match weight.kind() {
            Kind::BFloat16 => Values::Bf16(slice(weight)),
            Kind::Half => Values::F16(slice(weight)),
            Kind::Float => Values::F32(slice(weight)),
            other => unreachable!("weights are read as one of three kinds, not {other:?}"),
        }
    };
    Rows { n_outputs: weight.size()[0] as usize, values }
}
