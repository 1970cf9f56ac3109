use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::scripted::{drawing, repeatable};
use crate::{NTop, Penalties, Targets};

const END: u32 = 99;

fn scheduler(n_slots: u32, prompt_tokens_per_step: u32) -> Scheduler {
    steady_scheduler(n_slots, prompt_tokens_per_step, Steadiness::Varying)
}

fn steady_scheduler(n_slots: u32, prompt_tokens_per_step: u32, steadiness: Steadiness) -> Scheduler {
    let shape = RunnerShape { n_slots, n_positions: 8, n_adapters: 3, vocabulary_size: 128, steadiness };
    Scheduler::new(Limits { shape, end_tokens: vec![END], prompt_tokens_per_step })
}

fn request(prompt: &[u32], max_tokens: u32) -> Request {
    Request { max_tokens, ..Request::new(prompt) }
}

/// What a batch feeds: slot, position and tokens of each row.
fn fed(batch: &Batch) -> Vec<(u32, u32, Vec<u32>)> {
    batch.rows.iter().map(|row| (row.slot, row.position, row.tokens.clone())).collect()
}

/// Takes one step in which each row draws the token that stands in its place, if it draws at all.
fn step(scheduler: &mut Scheduler, tokens: &[u32]) -> Vec<(u64, Outcome)> {
    scheduler.admit();
    let batch = scheduler.next_batch();
    let results = batch.rows.iter().zip(tokens).map(|(row, &token)| drawing(row, token)).collect();
    scheduler.advance(&batch, results).into_iter().map(|advance| (advance.id.0, advance.outcome)).collect()
}

fn goes_on(token: u32) -> Outcome {
    Outcome::Token { token, score: None, end: None }
}

fn ends(token: u32, reason: FinishReason) -> Outcome {
    Outcome::Token { token, score: None, end: Some(reason) }
}

#[test]
fn third_sequence_waits_for_a_slot() {
    let mut scheduler = scheduler(2, 100);
    for id in 0..3 {
        scheduler.add(SequenceId(id), request(&[id as u32], 1 + id as u32));
    }
    assert_eq!(scheduler.admit(), [SequenceId(0), SequenceId(1)]);
    assert_eq!(fed(&scheduler.next_batch()), [(0, 0, vec![0]), (1, 0, vec![1])]);

    assert_eq!(step(&mut scheduler, &[10, 11]), [(0, ends(10, FinishReason::Length)), (1, goes_on(11))]);

    assert_eq!(scheduler.admit(), [SequenceId(2)]);
    assert_eq!(fed(&scheduler.next_batch()), [(1, 1, vec![11]), (0, 0, vec![2])]);
}

#[test]
fn a_long_prompt_is_fed_in_parts_while_others_go_on() {
    let mut scheduler = scheduler(3, 4);
    scheduler.add(SequenceId(0), request(&[1], 8));
    step(&mut scheduler, &[10]);
    scheduler.add(SequenceId(1), request(&[1, 2, 3, 4, 5], 8));
    scheduler.add(SequenceId(2), request(&[1, 2], 8));
    scheduler.admit();

    assert_eq!(fed(&scheduler.next_batch()), [(0, 1, vec![10]), (1, 0, vec![1, 2, 3, 4])]);
    assert_eq!(step(&mut scheduler, &[11, END]), [(0, goes_on(11))]); // What the unfinished prompt drew means nothing.

    assert_eq!(fed(&scheduler.next_batch()), [(0, 2, vec![11]), (1, 4, vec![5]), (2, 0, vec![1, 2])]);
    assert_eq!(step(&mut scheduler, &[12, 20, 30]), [(0, goes_on(12)), (1, goes_on(20)), (2, goes_on(30))]);
}

#[test]
fn an_answer_ends_at_its_end_token_its_length_or_the_end_of_its_slot() {
    let check = |n_prompt: usize, max_tokens: u32, tokens: &[u32], expected: &[Outcome]| {
        let mut scheduler = scheduler(1, 100);
        scheduler.add(SequenceId(0), request(&vec![1; n_prompt], max_tokens));
        let outcomes: Vec<_> = tokens.iter().flat_map(|&token| step(&mut scheduler, &[token])).collect();
        assert_eq!(outcomes.into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>(), expected);
        assert_eq!(scheduler.n_running(), 0);
    };
    let ends = |reason| ends(5, reason);
    check(1, 9, &[5, END], &[goes_on(5), Outcome::EndToken]);
    check(1, 2, &[5, 5], &[goes_on(5), ends(FinishReason::Length)]);
    check(6, 9, &[5, 5, 5], &[goes_on(5), goes_on(5), ends(FinishReason::Full)]);
    check(8, 9, &[5], &[ends(FinishReason::Full)]);
    check(8, 1, &[5], &[ends(FinishReason::Length)]);
}

#[test]
fn a_failed_batch_leaves_and_who_was_not_in_it_starts_again() {
    let mut scheduler = scheduler(3, 4);
    scheduler.add(SequenceId(0), request(&[1, 2, 3, 4, 5, 6], 8));
    scheduler.add(SequenceId(1), request(&[1, 2, 3, 4, 5, 6], 8));
    step(&mut scheduler, &[0]);
    step(&mut scheduler, &[10, 0]); // The second has the first two tokens of its prompt in the cache.
    scheduler.cancel(SequenceId(0));
    scheduler.add(SequenceId(2), request(&[7], 8));
    scheduler.admit();

    let batch = scheduler.next_batch();
    assert_eq!(fed(&batch), [(1, 2, vec![3, 4, 5, 6])]);
    scheduler.add(SequenceId(3), request(&[8], 8));
    scheduler.admit();
    assert_eq!(scheduler.fail(&batch), [SequenceId(1)]);
    assert_eq!(fed(&scheduler.next_batch()), [(0, 0, vec![7]), (2, 0, vec![8])]);
}

/// Samples of one prompt.
fn sample(prompt: &Arc<[u32]>, max_tokens: u32) -> Request {
    Request { max_tokens, ..Request::new(prompt.clone()) }
}

fn copies(batch: &Batch) -> Vec<(u32, u32, u32)> {
    batch.copies.iter().map(|copy| (copy.from, copy.to, copy.n_positions)).collect()
}

#[test]
fn samples_of_one_prompt_have_it_fed_once() {
    let mut scheduler = scheduler(3, 100);
    let prompt: Arc<[u32]> = [1, 2, 3].into();
    for id in 0..4 {
        scheduler.add(SequenceId(id), sample(&prompt, 2));
    }
    scheduler.admit();
    assert_eq!(fed(&scheduler.next_batch()), [(0, 0, vec![1, 2, 3])]);
    step(&mut scheduler, &[10]);

    let batch = scheduler.next_batch();
    assert_eq!(copies(&batch), [(0, 1, 2), (0, 2, 2)]);
    assert_eq!(fed(&batch), [(0, 3, vec![10]), (1, 2, vec![3]), (2, 2, vec![3])]);
    step(&mut scheduler, &[11, 12, 13]);

    // The donor has ended, and the last sample finds the prompt in the very slot it left.
    assert_eq!(scheduler.admit(), [SequenceId(3)]);
    let batch = scheduler.next_batch();
    assert_eq!(copies(&batch), [(0, 0, 2)]);
    assert_eq!(fed(&batch), [(1, 3, vec![12]), (2, 3, vec![13]), (0, 2, vec![3])]);
}

#[test]
fn equal_prompts_are_shared_neither_between_adapters_nor_by_strangers() {
    let check = |other: Request| {
        let mut scheduler = scheduler(2, 100);
        let prompt: Arc<[u32]> = [1, 2, 3].into();
        scheduler.add(SequenceId(0), sample(&prompt, 5));
        step(&mut scheduler, &[10]);
        let other = Request { prompt: if other.prompt.is_empty() { prompt } else { other.prompt }, ..other };
        scheduler.add(SequenceId(1), other);
        scheduler.admit();
        let batch = scheduler.next_batch();
        assert_eq!(batch.copies, []);
        assert_eq!(fed(&batch)[1], (1, 0, vec![1, 2, 3]));
    };
    check(Request { adapter: AdapterIdx(1), ..request(&[], 5) });
    check(request(&[1, 2, 3], 5));
    // Scores are of tokens that this very request has seen fed.
    check(Request { score_prompt: Some(NTop(0)), ..request(&[], 5) });
}

#[test]
fn samples_go_on_where_a_donor_left_in_the_middle_of_its_prompt() {
    let mut scheduler = scheduler(2, 2);
    let prompt: Arc<[u32]> = [1, 2, 3, 4, 5].into();
    scheduler.add(SequenceId(0), sample(&prompt, 5));
    scheduler.add(SequenceId(1), sample(&prompt, 5));
    step(&mut scheduler, &[0]);
    assert_eq!(fed(&scheduler.next_batch()), [(0, 2, vec![3, 4])]);
    scheduler.cancel(SequenceId(0));
    let batch = scheduler.next_batch();
    assert_eq!((copies(&batch), fed(&batch)), (vec![(0, 1, 2)], vec![(1, 2, vec![3, 4])]));
    step(&mut scheduler, &[0]);
    assert_eq!(step(&mut scheduler, &[10]), [(1, goes_on(10))]);
}

#[test]
fn nothing_is_copied_of_what_a_failure_wiped_away_or_a_stranger_overwrote() {
    let mut scheduler = scheduler(2, 100);
    let prompt: Arc<[u32]> = [1, 2, 3].into();
    scheduler.add(SequenceId(0), sample(&prompt, 5));
    scheduler.admit();
    let batch = scheduler.next_batch();
    step(&mut scheduler, &[10]);
    scheduler.fail(&batch);
    scheduler.add(SequenceId(1), sample(&prompt, 1));
    scheduler.admit();
    assert_eq!(fed(&scheduler.next_batch()), [(0, 0, vec![1, 2, 3])]);
    step(&mut scheduler, &[10]);

    for (id, tokens) in [(2, [5, 5]), (3, [6, 6])] {
        scheduler.add(SequenceId(id), request(&tokens, 1));
    }
    step(&mut scheduler, &[10, 10]);
    scheduler.add(SequenceId(4), sample(&prompt, 1));
    scheduler.admit();
    let batch = scheduler.next_batch();
    assert_eq!((copies(&batch), fed(&batch)), (vec![], vec![(0, 0, vec![1, 2, 3])]));
}

#[test]
fn a_prompt_that_samples_wait_for_is_overwritten_last() {
    let mut scheduler = scheduler(2, 100);
    let prompt: Arc<[u32]> = [1, 2, 3].into();
    scheduler.add(SequenceId(0), sample(&prompt, 1));
    step(&mut scheduler, &[10]);
    scheduler.add(SequenceId(1), request(&[5, 5], 5));
    scheduler.add(SequenceId(2), sample(&prompt, 5));
    scheduler.admit();
    let batch = scheduler.next_batch();
    assert_eq!((copies(&batch), fed(&batch)), (vec![(0, 0, 2)], vec![(1, 0, vec![5, 5]), (0, 2, vec![3])]));
}

#[test]
fn whoever_is_watching_goes_before_bulk_and_finds_a_slot() {
    let bulk = |prompt: &[u32]| Request { priority: Priority::Bulk, ..request(prompt, 8) };
    let mut scheduler = scheduler(4, 3);
    for id in 0..4 {
        scheduler.add(SequenceId(id), bulk(&[1, 2]));
    }
    assert_eq!(scheduler.admit(), [SequenceId(0), SequenceId(1), SequenceId(2)]);
    scheduler.add(SequenceId(4), request(&[5, 6, 7, 8], 8));
    scheduler.add(SequenceId(5), request(&[9], 8));
    assert_eq!(scheduler.admit(), [SequenceId(4)]);
    assert_eq!(fed(&scheduler.next_batch()), [(3, 0, vec![5, 6, 7])]);

    // A slot that a bulk answer has left goes to who is watching, and then the bulk one's turn comes.
    scheduler.cancel(SequenceId(0));
    assert_eq!(scheduler.admit(), [SequenceId(5)]);
    scheduler.cancel(SequenceId(5));
    assert_eq!(scheduler.admit(), [SequenceId(3)]);
}

#[test]
fn a_single_slot_is_for_everyone() {
    let mut scheduler = scheduler(1, 3);
    scheduler.add(SequenceId(0), Request { priority: Priority::Bulk, ..request(&[1], 8) });
    assert_eq!(scheduler.admit(), [SequenceId(0)]);
}

#[test]
fn an_end_token_can_be_a_token_like_any_other() {
    let mut scheduler = scheduler(1, 100);
    scheduler.add(SequenceId(0), Request { ignore_end: true, ..request(&[1], 2) });
    assert_eq!(step(&mut scheduler, &[END]), [(0, goes_on(END))]);
    assert_eq!(step(&mut scheduler, &[END]), [(0, ends(END, FinishReason::Length))]);
}

#[test]
fn only_the_end_of_a_prompt_draws() {
    let mut scheduler = scheduler(1, 2);
    scheduler.add(SequenceId(0), request(&[1, 2, 3], 1));
    scheduler.admit();
    assert_eq!(scheduler.next_batch().rows[0].draw, None);
    assert_eq!(step(&mut scheduler, &[0]), []);
    assert!(scheduler.next_batch().rows[0].draw.is_some());
}

#[test]
fn a_prompt_is_scored_across_its_cuts_and_needs_no_answer() {
    let mut scheduler = scheduler(1, 2);
    let n_top = NTop(1);
    scheduler.add(SequenceId(0), Request { score_prompt: Some(n_top), ..request(&[1, 2, 3, 4], 0) });
    scheduler.admit();
    let batch = scheduler.next_batch();
    assert_eq!(batch.rows[0].targets, Some(Targets { first: 0, tokens: vec![2, 3], n_top }));
    step(&mut scheduler, &[0]);
    let batch = scheduler.next_batch();
    assert_eq!(batch.rows[0].targets, Some(Targets { first: 0, tokens: vec![4], n_top }));
    assert_eq!(batch.rows[0].draw, None);
    let advances = scheduler.advance(&batch, vec![drawing(&batch.rows[0], 0)]);
    let scored: Vec<u32> = advances[0].scores.iter().flatten().map(|(token, _)| *token).collect();
    assert_eq!((scored, &advances[0].outcome), (vec![2, 3, 4], &Outcome::NoAnswer));
    assert!(scheduler.is_idle());
}

/// Answers to one prompt, to be scored.
fn given(prompt: &Arc<[u32]>, answer: &[u32]) -> Request {
    Request { given: answer.into(), score_given: Some(NTop(0)), ..sample(prompt, 0) }
}

fn targets(batch: &Batch) -> Vec<Option<(u32, Vec<u32>)>> {
    let one = |row: &Row| row.targets.as_ref().map(|targets| (targets.first, targets.tokens.clone()));
    batch.rows.iter().map(one).collect()
}

#[test]
fn scored_answers_to_one_prompt_have_it_fed_once() {
    let mut scheduler = scheduler(3, 100);
    let prompt: Arc<[u32]> = [1, 2, 3].into();
    for (id, answer) in [(0, &[10, 11][..]), (1, &[20]), (2, &[30, 31])] {
        scheduler.add(SequenceId(id), given(&prompt, answer));
    }
    scheduler.admit();
    let batch = scheduler.next_batch();
    assert_eq!(fed(&batch), [(0, 0, vec![1, 2, 3, 10, 11])]);
    assert_eq!(targets(&batch), [Some((2, vec![10, 11]))]);
    assert_eq!(step(&mut scheduler, &[0]), [(0, Outcome::NoAnswer)]);

    let batch = scheduler.next_batch();
    assert_eq!(copies(&batch), [(0, 1, 2), (0, 2, 2)]);
    assert_eq!(fed(&batch), [(1, 2, vec![3, 20]), (2, 2, vec![3, 30, 31])]);
    assert_eq!(targets(&batch), [Some((0, vec![20])), Some((0, vec![30, 31]))]);
    let advances = scheduler.advance(&batch, batch.rows.iter().map(|row| drawing(row, 0)).collect());
    let scored = |advance: &Advance| advance.scores.iter().flatten().map(|(token, _)| *token).collect::<Vec<_>>();
    assert_eq!(advances.iter().map(scored).collect::<Vec<_>>(), [vec![20], vec![30, 31]]);
    assert!(scheduler.is_idle());
}

#[test]
fn in_a_fixed_bucket_a_scored_answer_is_cut_where_its_prompt_may_be_copied() {
    let cuts = |with_donor: bool| {
        let mut scheduler = steady_scheduler(2, 3, Steadiness::FixedBucket { n_rows: 8 });
        let prompt: Arc<[u32]> = [1, 2, 3, 4, 5].into();
        if with_donor {
            scheduler.add(SequenceId(0), sample(&prompt, 1));
            while !scheduler.is_idle() {
                step(&mut scheduler, &[10]);
            }
        }
        scheduler.add(SequenceId(1), given(&prompt, &[20, 21, 22]));
        let mut cuts = Vec::new();
        while !scheduler.is_idle() {
            scheduler.admit();
            cuts.extend(fed(&scheduler.next_batch()).into_iter().map(|(_, position, tokens)| (position, tokens.len())));
            step(&mut scheduler, &[0]);
        }
        cuts
    };
    assert_eq!(cuts(false), [(0, 3), (3, 1), (4, 2), (6, 1), (7, 1)]);
    assert_eq!(cuts(true), [(4, 2), (6, 1), (7, 1)]);
}

#[test]
fn bias_and_penalties_are_summed_by_token() {
    let mut scheduler = scheduler(1, 100);
    let penalties = Penalties { presence: 0.5, frequency: 0.25 };
    let logit_bias = [(7, 10.0), (9, -1.0)].into();
    scheduler.add(SequenceId(0), Request { penalties, logit_bias, ..request(&[7], 8) });
    scheduler.admit();
    let mut adjustments = |token| {
        let batch = scheduler.next_batch();
        step(&mut scheduler, &[token]);
        batch.rows[0].draw.as_ref().unwrap().adjustments.to_vec()
    };
    assert_eq!(adjustments(9), [(7, 10.0), (9, -1.0)]); // What the prompt says does not count.
    assert_eq!(adjustments(9), [(7, 10.0), (9, -1.75)]);
    assert_eq!(adjustments(5), [(7, 10.0), (9, -2.0)]);
    assert_eq!(adjustments(5), [(5, -0.75), (7, 10.0), (9, -2.0)]);
}

#[test]
fn in_a_fixed_bucket_a_prompt_is_always_cut_in_the_same_places() {
    let cuts_of = |others: &[u32]| {
        let mut scheduler = steady_scheduler(3, 4, Steadiness::FixedBucket { n_rows: 8 });
        for (id, &n_prompt) in (0..).zip(others) {
            scheduler.add(SequenceId(id), request(&vec![1; n_prompt as usize], 1));
        }
        scheduler.add(SequenceId(9), request(&[9; 7], 1));
        let mut cuts = Vec::new();
        while !scheduler.is_idle() {
            scheduler.admit();
            let rows = scheduler.next_batch().rows;
            cuts.extend(rows.iter().filter(|row| row.tokens[0] == 9).map(|row| (row.position, row.tokens.len())));
            step(&mut scheduler, &[0; 3]);
        }
        cuts
    };
    for others in [&[][..], &[1], &[2, 3], &[5, 8], &[6, 1]] {
        assert_eq!(cuts_of(others), [(0, 4), (4, 2), (6, 1)], "beside prompts of {others:?}");
    }
}

/// What happens to a scheduler between two steps.
#[derive(Clone, Debug)]
enum Change {
    Arrive { adapter: u32, prompt: usize, max_tokens: u32, priority: Priority },
    Leave(u64),
    Fail,
    Nothing,
}

fn change() -> impl Strategy<Value = Change> {
    let priority = prop_oneof![Just(Priority::Interactive), Just(Priority::Bulk)];
    let arrival = (0..3_u32, 0..N_PROMPTS, 1..9_u32, priority);
    prop_oneof![
        5 => arrival.prop_map(|(adapter, prompt, max_tokens, priority)| Change::Arrive {
            adapter,
            prompt,
            max_tokens,
            priority
        }),
        5 => (0..20_u64).prop_map(Change::Leave),
        1 => Just(Change::Fail),
        5 => Just(Change::Nothing),
    ]
}

/// Two allocations of each length up to 8, so that some are samples of one prompt and some only look like it.
const N_PROMPTS: usize = 16;

fn prompts() -> Vec<Arc<[u32]>> {
    (0..N_PROMPTS).map(|idx| vec![5; idx / 2 + 1].into()).collect()
}

/// A model whose next token depends on its row's draw alone, so on nothing if the draws are right.
fn draw(row: &Row) -> RowResult {
    drawing(row, row.draw.as_ref().map_or(0, |draw| (draw.uniform * 20.0) as u32 + 85))
}

fn alone(request: Request) -> Vec<Outcome> {
    let mut scheduler = scheduler(1, 100);
    scheduler.add(SequenceId(0), request);
    let mut outcomes = Vec::new();
    while !scheduler.is_idle() {
        scheduler.admit();
        let batch = scheduler.next_batch();
        let results = batch.rows.iter().map(draw).collect();
        outcomes.extend(scheduler.advance(&batch, results).into_iter().map(|advance| advance.outcome));
    }
    outcomes
}

const STEADINESSES: [Steadiness; 3] =
    [Steadiness::Varying, Steadiness::FixedBucket { n_rows: 4 }, Steadiness::Invariant];

/// Whose positions a slot holds: an adapter and a prompt, as an allocation; and how many.
type Held = Option<(AdapterIdx, *const u32, u32)>;

proptest! {
    #![proptest_config(repeatable())]

    #[test]
    fn company_changes_no_answer(
        changes in prop::collection::vec(change(), 1..40),
        prompt_tokens_per_step in 1..12_u32,
        steadiness in prop::sample::select(&STEADINESSES),
    ) {
        let mut scheduler = steady_scheduler(3, prompt_tokens_per_step, steadiness);
        let prompts = prompts();
        let mut requests: Vec<Request> = Vec::new();
        let mut answers: BTreeMap<u64, Vec<Outcome>> = BTreeMap::new();
        let mut held: [Held; 3] = [None; 3];
        let quiet = std::iter::repeat_n(Change::Nothing, 400);
        for change in changes.into_iter().chain(quiet) {
            let mut fails = false;
            match change {
                Change::Arrive { adapter, prompt, max_tokens, priority } => {
                    let id = requests.len() as u64;
                    let request = sample(&prompts[prompt], max_tokens);
                    requests.push(Request { adapter: AdapterIdx(adapter), seed: id, priority, ..request });
                    scheduler.add(SequenceId(id), requests[id as usize].clone());
                }
                Change::Leave(id) => scheduler.cancel(SequenceId(id)),
                Change::Fail => fails = true,
                Change::Nothing => {}
            }
            scheduler.admit();
            let batch = scheduler.next_batch();
            prop_assert!(scheduler.is_idle() || !batch.rows.is_empty(), "nobody waits for ever");
            if fails {
                held = [None; 3];
                scheduler.fail(&batch);
                continue;
            }
            check_copies(&batch, &scheduler, &mut held)?;
            check_rows(&batch, &scheduler, &mut held)?;
            prop_assert!(scheduler.n_prompt_tokens(&batch) <= prompt_tokens_per_step as usize);
            let results = batch.rows.iter().map(draw).collect();
            for advance in scheduler.advance(&batch, results) {
                answers.entry(advance.id.0).or_default().push(advance.outcome);
            }
        }
        prop_assert!(scheduler.is_idle());
        for (id, answer) in answers {
            let expected = alone(requests[id as usize].clone());
            prop_assert_eq!(&answer[..], &expected[..answer.len()]); // Shorter where the reader left or a step failed.
        }
    }
}

fn prompt_in(scheduler: &Scheduler, slot: u32) -> *const u32 {
    scheduler.slots[slot as usize].sequence.as_ref().unwrap().request.prompt.as_ptr()
}

/// What is copied is there, is of the adapter and of the very prompt that go on from it, and stays while it is read.
fn check_copies(batch: &Batch, scheduler: &Scheduler, held: &mut [Held; 3]) -> Result<(), TestCaseError> {
    let before = *held;
    for copy in &batch.copies {
        let row = batch.rows.iter().find(|row| row.slot == copy.to).unwrap();
        let (adapter, prompt, n_held) = before[copy.from as usize].unwrap();
        prop_assert_eq!((row.adapter, row.position), (adapter, copy.n_positions));
        prop_assert_eq!(prompt, prompt_in(scheduler, copy.to));
        prop_assert!((1..=n_held).contains(&copy.n_positions));
        let is_read = |other: &SlotCopy| other.from == copy.to && other.to != copy.to;
        prop_assert!(copy.from == copy.to || !batch.copies.iter().any(is_read));
        held[copy.to as usize] = Some((adapter, prompt, copy.n_positions));
    }
    Ok(())
}

/// Each adapter's rows are one slice, no slot is used twice, and positions follow on what the slot holds.
fn check_rows(batch: &Batch, scheduler: &Scheduler, held: &mut [Held; 3]) -> Result<(), TestCaseError> {
    prop_assert!(batch.rows.is_sorted_by_key(|row| row.adapter));
    let mut slots: Vec<_> = batch.rows.iter().map(|row| row.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    prop_assert_eq!(slots.len(), batch.rows.len());
    for row in &batch.rows {
        let held = &mut held[row.slot as usize];
        let prompt = prompt_in(scheduler, row.slot);
        prop_assert!(row.position == 0 || *held == Some((row.adapter, prompt, row.position)));
        *held = Some((row.adapter, prompt, row.position + row.tokens.len() as u32));
    }
    Ok(())
}
