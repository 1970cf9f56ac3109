//! The rows of one step laid end to end, so that each linear layer reads its weights once for all of them.

use engine::{AdapterIdx, Row};
use tch::{Device, Tensor};

use crate::attention::{Group, Order};
use crate::cache::Cache;
use crate::placement::Place;

/// One step's work on the device. All of it travels there in one upload.
pub struct Packed {
    /// Token ids `(N)`.
    pub tokens: Tensor,
    /// The position of each token in its own sequence `(N)`.
    pub positions: Tensor,
    /// Where each token's keys and values go in a layer's cache `(N · 2K)`.
    pub places: Tensor,
    /// Which of the tokens' hidden states come out; `None` for all.
    pub outputs: Option<Tensor>,
    /// Which adapter serves which tokens; those of the bare base are in none.
    pub slices: Vec<Slice>,
    /// Which tokens attend together, in libtorch.
    pub groups: Vec<Group>,
    /// Where each row's tokens stand, for the processor.
    pub cached_spans: Vec<kernels::attention::Span>,
}

/// What is to be laid out.
pub struct Work<'a> {
    /// Their slots, positions and ids are in range.
    pub rows: &'a [Row],
    /// Which tokens' hidden states are wanted, as indices among the tokens of all rows, laid end to end.
    pub outputs: &'a [i64],
    pub grouping: Grouping,
}

/// Which rows are computed in one call where the weights are not the same for all: in attention, and in adapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Those that lie side by side.
    Neighbours,
    /// Each by itself, so that no call's size depends on another row.
    Single,
}

/// The tokens of each row whose logits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// The last token of each row.
    Last,
    /// Every token of every row.
    All,
}

/// Neighbouring tokens that one adapter serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Place in the list of adapters, which does not count the bare base.
    pub adapter: usize,
    pub start: i64,
    pub n_tokens: i64,
}

impl Packed {
    /// Lays out a step for this cache.
    pub fn new(work: &Work, cache: &Cache, place: &Place) -> Packed {
        let Work { rows, outputs, grouping } = *work;
        let spans = spans(rows);
        let mut upload = Upload::default();
        let tokens = upload.add(rows.iter().flat_map(|row| row.tokens.iter().map(|token| i64::from(*token))));
        let positions = upload.add(spans.iter().flat_map(Span::positions));
        let places = upload.add(spans.iter().flat_map(|span| span.places(cache)));
        let chosen = upload.add(outputs.iter().copied());
        // Each token attends by itself on the processor.
        let grouped: &[Span] = if place.processor.is_some() { &[] } else { &spans };
        let runs: Vec<Run> =
            decode_runs(grouped, grouping).into_iter().map(|spans| Run::new(spans, &mut upload)).collect();

        let sent = upload.send(place.device);
        let n_tokens = spans.last().map_or(0, |span| span.start + span.n_tokens);
        let is_all = outputs.iter().copied().eq(0..n_tokens);
        let positions = sent.part(positions);
        let window = cache.window();
        let decodes = runs.iter().map(|run| Group::decode(run.order(&sent), &run.spans, &positions, window, place));
        let prefills = grouped.iter().filter(|span| !span.is_decode());
        let prefills = prefills.map(|span| Group::prefill(span, &positions, window, place));
        Packed {
            tokens: sent.part(tokens),
            places: sent.part(places),
            outputs: (!is_all).then(|| sent.part(chosen)),
            slices: slices(rows, &spans, grouping),
            groups: decodes.chain(prefills).collect(),
            cached_spans: spans.iter().map(Span::cached).collect(),
            positions,
        }
    }
}

/// Where one row's tokens stand among the `N`, and in its sequence.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: i64,
    pub n_tokens: i64,
    pub slot: i64,
    /// Position of the first token.
    pub position: i64,
}

impl Span {
    /// Positions in the cache once this step's tokens are in it.
    pub fn length(&self) -> i64 {
        self.position + self.n_tokens
    }

    fn positions(&self) -> impl Iterator<Item = i64> + use<> {
        self.position..self.length()
    }

    fn places(&self, cache: &Cache) -> impl Iterator<Item = i64> {
        self.positions().flat_map(|position| cache.places(self.slot, position))
    }

    fn cached(&self) -> kernels::attention::Span {
        let [start, n_tokens, slot, position] =
            [self.start, self.n_tokens, self.slot, self.position].map(|number| number as usize);
        kernels::attention::Span { start, n_tokens, slot, position }
    }

    fn is_decode(&self) -> bool {
        self.n_tokens == 1
    }
}

fn spans(rows: &[Row]) -> Vec<Span> {
    let mut start = 0;
    let span = |row: &Row| {
        let n_tokens = row.tokens.len() as i64;
        start += n_tokens;
        Span { start: start - n_tokens, n_tokens, slot: row.slot.into(), position: row.position.into() }
    };
    rows.iter().map(span).collect()
}

/// The rows with one token, in runs of neighbouring slots: a run's cache is read as one view.
fn decode_runs(spans: &[Span], grouping: Grouping) -> Vec<Vec<Span>> {
    let mut decodes: Vec<Span> = spans.iter().copied().filter(Span::is_decode).collect();
    decodes.sort_by_key(|span| span.slot);
    let go_together = |left: &Span, right: &Span| grouping == Grouping::Neighbours && left.slot + 1 == right.slot;
    decodes.chunk_by(go_together).map(<[Span]>::to_vec).collect()
}

/// Rows with one token each in neighbouring slots.
struct Run {
    spans: Vec<Span>,
    starts: Part,
}

impl Run {
    fn new(spans: Vec<Span>, upload: &mut Upload) -> Run {
        let starts = upload.add(spans.iter().map(|span| span.start));
        Run { spans, starts }
    }

    fn order(&self, sent: &Sent) -> Order {
        if self.spans.is_sorted_by(|left, right| left.start + 1 == right.start) {
            Order::Neighbours { start: self.spans[0].start, n_tokens: self.spans.len() as i64 }
        } else {
            Order::Scattered(sent.part(self.starts))
        }
    }
}

fn slices(rows: &[Row], spans: &[Span], grouping: Grouping) -> Vec<Slice> {
    let pairs: Vec<(AdapterIdx, &Span)> = rows.iter().map(|row| row.adapter).zip(spans).collect();
    let same_adapter = pairs.chunk_by(|(left, _), (right, _)| grouping == Grouping::Neighbours && left == right);
    same_adapter.filter_map(|chunk| slice(chunk[0].0, chunk[0].1, chunk[chunk.len() - 1].1)).collect()
}

fn slice(adapter: AdapterIdx, first: &Span, last: &Span) -> Option<Slice> {
    let adapter = adapter.0.checked_sub(1)? as usize;
    Some(Slice { adapter, start: first.start, n_tokens: last.start + last.n_tokens - first.start })
}

/// Integers gathered on the host, to be sent at once and cut apart on the device.
#[derive(Default)]
struct Upload(Vec<i64>);

/// A place in an upload: start and length.
#[derive(Clone, Copy)]
struct Part(i64, i64);

struct Sent(Tensor);

impl Upload {
    fn add(&mut self, values: impl Iterator<Item = i64>) -> Part {
        let start = self.0.len();
        self.0.extend(values);
        Part(start as i64, (self.0.len() - start) as i64)
    }

    fn send(self, device: Device) -> Sent {
        Sent(Tensor::from_slice(&self.0).to_device(device))
    }
}

impl Sent {
    fn part(&self, part: Part) -> Tensor {
        self.0.narrow(0, part.0, part.1)
    }
}
