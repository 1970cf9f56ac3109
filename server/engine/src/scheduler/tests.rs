use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::AdapterIdx;
use crate::scripted::repeatable;

const END: u32 = 99;

fn scheduler(n_slots: u32, prompt_tokens_per_step: u32) -> Scheduler {
    let shape = RunnerShape { n_slots, n_positions: 8, n_adapters: 3 };
    Scheduler::new(Limits { shape, end_tokens: vec![END], prompt_tokens_per_step })
}

fn request(prompt: &[u32], max_tokens: u32) -> Request {
    Request { max_tokens, ..Request::new(prompt) }
}

/// What a batch feeds: slot, position and tokens of each row.
fn fed(batch: &Batch) -> Vec<(u32, u32, Vec<u32>)> {
    batch.rows.iter().map(|row| (row.slot, row.position, row.tokens.clone())).collect()
}

/// Takes one step in which each row draws the token that stands in its place.
fn step(scheduler: &mut Scheduler, tokens: &[u32]) -> Vec<(u64, Outcome)> {
    scheduler.admit();
    let batch = scheduler.next_batch();
    let drawn: Vec<_> = tokens.iter().map(|&token| Drawn::Token(token)).collect();
    scheduler.advance(&batch, &drawn).into_iter().map(|advance| (advance.id.0, advance.outcome)).collect()
}

fn goes_on(token: u32) -> Outcome {
    Outcome::Token { token, end: None }
}

#[test]
fn third_sequence_waits_for_a_slot() {
    let mut scheduler = scheduler(2, 100);
    for id in 0..3 {
        scheduler.add(SequenceId(id), request(&[id as u32], 1 + id as u32));
    }
    assert_eq!(scheduler.admit(), [SequenceId(0), SequenceId(1)]);
    assert_eq!(fed(&scheduler.next_batch()), [(0, 0, vec![0]), (1, 0, vec![1])]);

    let length = Outcome::Token { token: 10, end: Some(FinishReason::Length) };
    assert_eq!(step(&mut scheduler, &[10, 11]), [(0, length), (1, goes_on(11))]);

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
        assert_eq!(outcomes.iter().map(|(_, outcome)| *outcome).collect::<Vec<_>>(), expected);
        assert_eq!(scheduler.n_running(), 0);
    };
    let ends = |reason| Outcome::Token { token: 5, end: Some(reason) };
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

/// What happens to a scheduler between two steps.
#[derive(Clone, Debug)]
enum Change {
    Arrive { adapter: u32, prompt_len: usize, max_tokens: u32 },
    Leave(u64),
    Nothing,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..4_u32, 1..9_usize, 1..9_u32).prop_map(|(adapter, prompt_len, max_tokens)| Change::Arrive {
            adapter,
            prompt_len,
            max_tokens
        }),
        (0..20_u64).prop_map(Change::Leave),
        Just(Change::Nothing),
    ]
}

fn arrival(id: u64, adapter: u32, prompt_len: usize, max_tokens: u32) -> Request {
    Request { adapter: AdapterIdx(adapter), seed: id, ..request(&vec![id as u32; prompt_len], max_tokens) }
}

/// A model whose next token depends on its row's draw alone, so on nothing if the draws are right.
fn draw(row: &Row) -> Drawn {
    Drawn::Token((row.draw * 20.0) as u32 + 85)
}

fn alone(request: Request) -> Vec<Outcome> {
    let mut scheduler = scheduler(1, 100);
    scheduler.add(SequenceId(0), request);
    let mut outcomes = Vec::new();
    while !scheduler.is_idle() {
        scheduler.admit();
        let batch = scheduler.next_batch();
        let drawn: Vec<_> = batch.rows.iter().map(draw).collect();
        outcomes.extend(scheduler.advance(&batch, &drawn).into_iter().map(|advance| advance.outcome));
    }
    outcomes
}

proptest! {
    #![proptest_config(repeatable())]

    #[test]
    fn company_changes_no_answer(changes in prop::collection::vec(change(), 1..40), prompt_tokens_per_step in 1..12_u32) {
        let mut scheduler = scheduler(3, prompt_tokens_per_step);
        let mut requests = Vec::new();
        let mut answers: BTreeMap<u64, Vec<Outcome>> = BTreeMap::new();
        let mut cached = [0; 3];
        let quiet = std::iter::repeat_n(Change::Nothing, 400);
        for change in changes.into_iter().chain(quiet) {
            match change {
                Change::Arrive { adapter, prompt_len, max_tokens } => {
                    let id = requests.len() as u64;
                    requests.push(arrival(id, adapter, prompt_len, max_tokens));
                    scheduler.add(SequenceId(id), requests[id as usize].clone());
                }
                Change::Leave(id) => scheduler.cancel(SequenceId(id)),
                Change::Nothing => {}
            }
            scheduler.admit();
            let batch = scheduler.next_batch();
            check_rows(&batch, prompt_tokens_per_step, &mut cached)?;
            let drawn: Vec<_> = batch.rows.iter().map(draw).collect();
            for advance in scheduler.advance(&batch, &drawn) {
                answers.entry(advance.id.0).or_default().push(advance.outcome);
            }
        }
        prop_assert!(scheduler.is_idle());
        for (id, answer) in answers {
            let expected = alone(requests[id as usize].clone());
            prop_assert_eq!(&answer[..], &expected[..answer.len()]); // Shorter where the reader left.
        }
    }
}

/// Each adapter's rows are one slice, no slot is used twice, positions follow on what is cached, prompts keep the limit.
fn check_rows(batch: &Batch, prompt_tokens_per_step: u32, cached: &mut [u32; 3]) -> Result<(), TestCaseError> {
    prop_assert!(batch.rows.is_sorted_by_key(|row| row.adapter));
    let mut slots: Vec<_> = batch.rows.iter().map(|row| row.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    prop_assert_eq!(slots.len(), batch.rows.len());
    for row in &batch.rows {
        prop_assert!(row.position == 0 || row.position == cached[row.slot as usize]);
        cached[row.slot as usize] = row.position + row.tokens.len() as u32;
    }
    let n_prompt_tokens: usize = batch.rows.iter().map(|row| row.tokens.len()).filter(|&n| n > 1).sum();
    prop_assert!(n_prompt_tokens <= prompt_tokens_per_step as usize);
    Ok(())
}
