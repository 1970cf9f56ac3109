use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::draws::uniform;
use crate::handle::N_WAITING_MAX;
use crate::scripted::{END_OF_ANSWER, END_OF_PROMPT, Scripted, babble, demo_language, drawing, echo, scored};
use crate::{Engine, Generation, Likely, Load, NTop, Priority, Refused, RunnerShape, TokenScore};

fn request(prompt: Vec<u32>, max_tokens: u32) -> Request {
    Request { max_tokens, ..Request::new(prompt) }
}

/// A request that an echoing engine answers with this text.
fn echo_of(text: &str, language: &Language) -> Request {
    let mut prompt = language.tokenizer().encode(text).unwrap();
    prompt.push(END_OF_PROMPT);
    request(prompt, 4096)
}

fn events(mut generation: Generation) -> Vec<Event> {
    std::iter::from_fn(|| generation.blocking_next()).collect()
}

/// The whole text of an answer, and how it ended.
fn answer(generation: Generation) -> (String, Event) {
    let mut events = events(generation);
    let end = events.pop().unwrap();
    let texts = events.into_iter().map(|event| match event {
        Event::Piece { text, .. } => text,
        end => panic!("{end:?} in the middle of an answer"),
    });
    (texts.collect(), end)
}

fn finished(reason: FinishReason, n_tokens: u32) -> Event {
    Event::Finished { reason, n_tokens }
}

fn load(n_slots: u32, n_running: u32, n_waiting: u32) -> Load {
    Load { n_slots, n_running, n_waiting }
}

/// An engine whose every step a test sees and lets go. Once the test has dropped `go`, it steps freely.
struct Stepped {
    engine: Engine,
    steps: Receiver<Batch>,
    go: Sender<()>,
}

fn stepped(n_slots: u32) -> Stepped {
    let (seen, steps) = channel();
    let (go, gate) = channel();
    let script = move |batch: &Batch, sequences: &[&[u32]]| {
        let _ = seen.send(batch.clone());
        let _ = gate.recv();
        babble(batch, sequences)
    };
    Stepped { engine: Engine::start(Scripted::new(n_slots, script), demo_language()), steps, go }
}

#[test]
fn more_answers_than_slots_all_come_out_whole() {
    let language = demo_language();
    let requests: Vec<_> = (0..9).map(|idx| echo_of(&format!("Answer {idx}. ").repeat(idx * 30), &language)).collect();
    let engine = Engine::start(Scripted::new(2, echo), language);
    let generations: Vec<_> = requests.iter().map(|request| engine.generate(request.clone()).unwrap()).collect();
    for (idx, generation) in generations.into_iter().enumerate() {
        let expected = finished(FinishReason::Stop, requests[idx].prompt.len() as u32);
        assert_eq!(answer(generation), (format!("Answer {idx}. ").repeat(idx * 30), expected));
    }
    assert_eq!(engine.load(), load(2, 0, 0));
}

#[test]
fn every_text_arrives_exactly() {
    let language = demo_language();
    let texts =
        ["", "naïve", "👩‍👩‍👧 🇩🇪 ok", "a\r\nb\n\r", "\0nul\0", "line\u{2028}separator", "data: x\n\ndata: y", "\u{FFFD}"];
    let requests = texts.map(|text| echo_of(text, &language));
    let engine = Engine::start(Scripted::new(4, echo), language);
    for (text, request) in texts.into_iter().zip(requests) {
        assert_eq!(answer(engine.generate(request).unwrap()).0, text);
    }
}

#[test]
fn an_answer_cut_in_the_middle_of_a_character_ends_with_a_replacement() {
    let language = demo_language();
    let mut request = echo_of("ab🦀", &language);
    request.max_tokens = request.prompt.len() as u32 - 2; // All but the last byte of the crab.
    let max_tokens = request.max_tokens;
    let engine = Engine::start(Scripted::new(1, echo), language);
    let expected = ("ab\u{FFFD}".to_owned(), finished(FinishReason::Length, max_tokens));
    assert_eq!(answer(engine.generate(request).unwrap()), expected);
}

#[test]
fn a_stop_string_ends_the_answer_and_is_not_told() {
    let language = demo_language();
    let request = Request { stop: vec!["three".into()], ..echo_of("one two three four", &language) };
    let engine = Engine::start(Scripted::new(1, echo), language);
    let (text, end) = answer(engine.generate(request).unwrap());
    assert_eq!(text, "one two ");
    assert!(matches!(end, Event::Finished { reason: FinishReason::Stop, .. }), "{end:?}");
    assert_eq!(engine.load(), load(1, 0, 0));
}

#[test]
fn a_reader_who_leaves_is_out_of_the_very_next_step() {
    let Stepped { engine, steps, go } = stepped(2);
    let leaver = engine.generate(request(vec![5], 100)).unwrap();
    steps.recv().unwrap();
    let stayer = engine.generate(request(vec![6], 100)).unwrap();
    let waiter = engine.generate(request(vec![7], 100)).unwrap();
    let successor = engine.generate(request(vec![8], 100)).unwrap();
    drop((leaver, waiter));
    go.send(()).unwrap();
    let batch = steps.recv().unwrap();
    assert_eq!(batch.rows.iter().map(|row| row.tokens[0]).collect::<Vec<_>>(), [6, 8]);
    assert_eq!(engine.load(), load(2, 2, 0));
    drop((stayer, successor));
}

#[test]
fn two_hundred_readers_who_leave_at_random_leave_nothing_behind() {
    let engine = Engine::start(Scripted::new(8, babble), demo_language());
    let random = |idx: u32, n: u32| (uniform(42, idx) * f64::from(n)) as u32;
    let prompt = |idx| vec![idx; 1 + random(idx, 1500) as usize];
    let generations = (0..200).map(|idx| engine.generate(request(prompt(idx), 2000)).unwrap());
    // Some leave at once, the others after up to 4 pieces: waiting, being fed or half told.
    let (leave_now, leave_later): (Vec<_>, Vec<_>) =
        generations.enumerate().partition(|(idx, _)| random(1000 + *idx as u32, 5) == 0);
    drop(leave_now);
    for (idx, mut generation) in leave_later {
        for _ in 0..random(1000 + idx as u32, 5) {
            assert!(matches!(generation.blocking_next(), Some(Event::Piece { .. })));
        }
    }
    let last = engine.generate(request(vec![5], 3)).unwrap();
    assert_eq!(events(last).last(), Some(&finished(FinishReason::Length, 3)));
    assert_eq!(engine.load(), load(8, 0, 0));
}

#[test]
fn a_full_queue_says_busy_at_once_until_somebody_leaves_it() {
    let Stepped { engine, steps, go } = stepped(1);
    let _running = engine.generate(request(vec![5], 100)).unwrap();
    steps.recv().unwrap();
    let mut waiting: Vec<_> = (0..N_WAITING_MAX).map(|_| engine.generate(request(vec![6], 1)).unwrap()).collect();
    assert_eq!(engine.generate(request(vec![7], 1)).unwrap_err(), Refused::Busy);
    assert_eq!(engine.load(), load(1, 1, N_WAITING_MAX as u32));

    waiting.pop();
    go.send(()).unwrap();
    steps.recv().unwrap();
    waiting.push(engine.generate(request(vec![8], 1)).unwrap());
    assert_eq!(engine.generate(request(vec![9], 1)).unwrap_err(), Refused::Busy);
}

#[test]
fn a_failed_step_fails_its_rows_and_the_next_ones_are_right() {
    let check = |fail: fn() -> Result<Vec<RowResult>, RunnerError>, expected: &str| {
        let language = demo_language();
        let request = echo_of("hello", &language);
        let mut n_steps = 0;
        let script = move |batch: &Batch, sequences: &[&[u32]]| {
            n_steps += 1;
            if n_steps == 2 { fail() } else { echo(batch, sequences) }
        };
        let engine = Engine::start(Scripted::new(2, script), language);
        let failed = answer(engine.generate(request.clone()).unwrap()).1;
        assert_eq!(failed, Event::Failed(expected.into()));
        assert_eq!(engine.load(), load(2, 0, 0));
        assert_eq!(answer(engine.generate(request).unwrap()).0, "hello");
    };
    check(|| Err(RunnerError("out of memory".into())), "out of memory");
    check(|| panic!("a wrong shape"), "the step panicked: a wrong shape");
    check(|| Ok(Vec::new()), "the step has 0 results for 1 rows");
    let nothing = || Ok(vec![RowResult::Fed { drawn: None, target_scores: Vec::new() }]);
    check(nothing, "the step did not do what was asked for slot 0");
}

#[test]
fn a_row_without_finite_logits_fails_alone() {
    let (go, gate) = channel::<()>();
    let script = move |batch: &Batch, sequences: &[&[u32]]| {
        let _ = gate.recv();
        let draw = |sequence: &&[u32]| match sequence {
            [6, _, _] => RowResult::NonFinite,
            [_, _, _, _, ..] => RowResult::token(END_OF_ANSWER),
            _ => RowResult::token(67),
        };
        assert_eq!(batch.rows.len(), sequences.len());
        Ok(sequences.iter().map(draw).collect())
    };
    let engine = Engine::start(Scripted::new(3, script), demo_language());
    let generations = [5, 6, 7].map(|token| engine.generate(request(vec![token], 10)).unwrap());
    drop(go);
    let [before, poisoned, after] = generations.map(answer);
    assert_eq!(poisoned, ("aa".into(), Event::Failed("non-finite logits at token 3".into())));
    assert_eq!(before, ("aaa".into(), finished(FinishReason::Stop, 4)));
    assert_eq!(after, before);
}

#[test]
fn neighbours_do_not_change_the_draws_of_a_seed() {
    // Tokens of the printable ASCII characters, picked by the draw alone.
    let script = |batch: &Batch, _: &[&[u32]]| {
        let printable = |draw: &crate::Draw| 3 + (draw.uniform * 94.0) as u32;
        Ok(batch.rows.iter().map(|row| drawing(row, row.draw.as_ref().map_or(0, printable))).collect())
    };
    let engine = Engine::start(Scripted::new(8, script), demo_language());
    let ask = |seed, n_prompt| engine.generate(Request { seed, ..request(vec![5; n_prompt], 50) }).unwrap();
    let alone = answer(ask(11, 3));
    let company: Vec<_> = (0..20).map(|seed| ask(seed, 1 + 100 * seed as usize)).collect();
    let together: Vec<_> = company.into_iter().map(answer).collect();
    assert_eq!(together[11], alone);
    assert_ne!(together[12], alone);
}

#[test]
fn the_thread_finishes_what_it_has_and_ends_with_the_last_handle() {
    let Stepped { engine, steps, go } = stepped(1);
    let generation = engine.generate(request(vec![5], 3)).unwrap();
    drop((engine.clone(), engine, go));
    assert_eq!(answer(generation), ("aaa".into(), finished(FinishReason::Length, 3)));
    assert_eq!(steps.iter().count(), 3); // Ends because the thread has dropped its side.
}

#[test]
fn a_dead_thread_is_told_to_readers_and_callers() {
    struct Hopeless;
    impl Runner for Hopeless {
        fn shape(&self) -> RunnerShape {
            crate::scripted::shape(1)
        }
        fn step(&mut self, _: &Batch) -> Result<Vec<RowResult>, RunnerError> {
            Err(RunnerError("the device is gone".into()))
        }
        fn reset(&mut self) {
            panic!("the device is still gone")
        }
    }
    let engine = Engine::start(Hopeless, demo_language());
    let (_, end) = answer(engine.generate(request(vec![5], 3)).unwrap());
    assert_eq!(end, Event::Failed("the engine stopped in the middle of the answer".into()));
    assert_eq!(engine.generate(request(vec![5], 3)).unwrap_err(), Refused::Stopped);
    assert!(engine.has_stopped());
}

#[tokio::test]
async fn events_can_be_awaited() {
    let engine = Engine::start(Scripted::new(1, babble), demo_language());
    let mut generation = engine.generate(request(vec![5], 1)).unwrap();
    assert_eq!(generation.next().await, Some(Event::Piece { text: "a".into(), n_tokens: 1, scores: Vec::new() }));
    assert_eq!(generation.next().await, Some(finished(FinishReason::Length, 1)));
    assert_eq!(generation.next().await, None);
}

#[test]
fn a_bulk_run_cannot_make_the_engine_busy_for_who_is_watching() {
    let Stepped { engine, .. } = stepped(2);
    let bulk = Request { priority: Priority::Bulk, ..request(vec![6], 9) };
    let mut run = Vec::new();
    let refused = loop {
        match engine.generate(bulk.clone()) {
            Ok(generation) => run.push(generation),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, Refused::Busy);
    assert!(engine.generate(request(vec![5], 9)).is_ok());
}

#[test]
fn samples_of_one_prompt_are_the_answers_each_would_have_alone() {
    let language = demo_language();
    let request = echo_of("The same prompt for all.", &language);
    let n_shared = request.prompt.len() as u64 - 1;
    let engine = Engine::start(Scripted::new(2, echo), language);
    let samples: Vec<_> = (0..5).map(|seed| engine.generate(Request { seed, ..request.clone() }).unwrap()).collect();
    for sample in samples {
        assert_eq!(answer(sample).0, "The same prompt for all.");
    }
    let counts = engine.counts();
    assert_eq!((counts.prompt_tokens_fed, counts.prompt_tokens_shared), (n_shared + 1 + 4, 4 * n_shared));
}

/// The scores of all pieces, by the bytes of their tokens, and the text.
fn scored_answer(generation: Generation) -> (Vec<String>, String) {
    let (mut names, mut all) = (Vec::new(), String::new());
    for event in events(generation) {
        if let Event::Piece { text, scores, .. } = event {
            names.extend(scores.into_iter().map(|score| String::from_utf8(score.token.bytes).unwrap()));
            all += &text;
        }
    }
    (names, all)
}

#[test]
fn an_answer_is_scored_token_by_token_as_far_as_its_text_goes() {
    let check = |text: &str, change: fn(Request) -> Request, names: &[&str], expected: &str| {
        let language = demo_language();
        let request = Request { score_answer: Some(NTop(2)), ..change(echo_of(text, &language)) };
        let engine = Engine::start(Scripted::new(1, echo), language);
        let (seen, text) = scored_answer(engine.generate(request).unwrap());
        assert_eq!((seen.iter().map(String::as_str).collect::<Vec<_>>(), text.as_str()), (names.to_vec(), expected));
    };
    check("a b c", |request| request, &["a", " b", " c"], "a b c");
    check("a b c", |request| Request { stop: vec!["b".into()], ..request }, &["a", " b"], "a ");
    check("a b c", |request| Request { stop: vec![" b".into()], ..request }, &["a"], "a");
    let goes_on = |request| Request { ignore_end: true, max_tokens: 4, ..request };
    check("a b c", goes_on, &["a", " b", " c", "<|im_end|>"], "a b c");
}

#[test]
fn scores_are_spelled_out_with_the_likeliest_tokens() {
    let engine = Engine::start(Scripted::new(1, babble), demo_language());
    let request = Request { score_answer: Some(NTop(1)), ..request(vec![5], 1) };
    let score = scored(67, NTop(1));
    let likely = |id, bytes: &str, logprob| Likely { id, bytes: bytes.into(), logprob };
    let top = vec![likely(0, "<|endoftext|>", 0.0)];
    let scores = vec![TokenScore { token: likely(67, "a", score.logprob), top }];
    let piece = Event::Piece { text: "a".into(), n_tokens: 1, scores };
    assert_eq!(events(engine.generate(request).unwrap()), [piece, finished(FinishReason::Length, 1)]);
}

#[test]
fn a_prompt_is_scored_first_and_an_answer_need_not_follow() {
    let engine = Engine::start(Scripted::new(1, babble), demo_language());
    let scored_prompt = |max_tokens| {
        let request = Request { score_prompt: Some(NTop(0)), ..request(vec![67, 68, 69], max_tokens) };
        events(engine.generate(request).unwrap())
    };
    let score = |id, text: &str| {
        let token = Likely { id, bytes: text.into(), logprob: -(id as f32) };
        TokenScore { token, top: Vec::new() }
    };
    let prompt = Event::Read(vec![score(68, "b"), score(69, "c")]);
    assert_eq!(scored_prompt(0), [prompt.clone(), finished(FinishReason::Length, 0)]);
    assert_eq!(scored_prompt(1)[0], prompt);
    assert_eq!(scored_prompt(1)[2], finished(FinishReason::Length, 1));
}

#[test]
fn what_is_given_is_scored_and_gone_on_from() {
    let engine = Engine::start(Scripted::new(1, babble), demo_language());
    let scored_answer = |max_tokens| {
        let request = Request { given: [68, 69].into(), score_given: Some(NTop(0)), ..request(vec![67], max_tokens) };
        events(engine.generate(request).unwrap())
    };
    let score = |id, text: &str| {
        let token = Likely { id, bytes: text.into(), logprob: -(id as f32) };
        TokenScore { token, top: Vec::new() }
    };
    let read = Event::Read(vec![score(68, "b"), score(69, "c")]);
    assert_eq!(scored_answer(0), [read.clone(), finished(FinishReason::Length, 0)]);
    assert_eq!(scored_answer(1)[0], read);
    assert_eq!(scored_answer(1)[2], finished(FinishReason::Length, 1));
}

#[test]
fn what_was_done_is_counted() {
    let language = demo_language();
    let hello = echo_of("hello", &language);
    let n_prompt = hello.prompt.len() as u64;
    let engine = Engine::start(Scripted::new(2, echo), language);
    answer(engine.generate(hello.clone()).unwrap());
    answer(engine.generate(Request { max_tokens: 1, prompt: hello.prompt.to_vec().into(), ..hello }).unwrap());
    let counts = engine.counts();
    assert_eq!((counts.finished_at_stop, counts.finished_at_length, counts.failed), (1, 1, 0));
    assert_eq!((counts.prompt_tokens_fed, counts.answer_tokens), (2 * n_prompt, n_prompt + 1));
    assert_eq!((counts.rows_per_step.n(), counts.rows_per_step.sum), (n_prompt + 1, (n_prompt + 1) as f64));
    assert_eq!(counts.seconds_per_step.n(), n_prompt + 1);
    assert_eq!((counts.seconds_to_first_token.n(), counts.seconds_waiting_for_a_slot.n()), (2, 2));
}

/// Panics once more when the first panic is swept away.
struct RudePanic;

impl Drop for RudePanic {
    fn drop(&mut self) {
        panic!("even the panic panics")
    }
}

#[test]
fn a_panic_beside_a_step_fails_everyone_in_hand_and_the_next_ones_are_right() {
    let language = demo_language();
    let hello = echo_of("hello", &language);
    let (go, gate) = channel::<()>();
    let mut n_steps = 0;
    let script = move |batch: &Batch, sequences: &[&[u32]]| {
        n_steps += 1;
        let _ = gate.recv();
        if n_steps == 2 { std::panic::panic_any(RudePanic) } else { echo(batch, sequences) }
    };
    let engine = Engine::start(Scripted::new(2, script), language);
    let in_hand: Vec<_> = (0..3).map(|_| engine.generate(hello.clone()).unwrap()).collect();
    drop(go);
    for generation in in_hand {
        let failed = Event::Failed("the engine failed and has started again; ask once more".into());
        assert_eq!(answer(generation).1, failed);
    }
    assert_eq!(engine.load(), load(2, 0, 0));
    assert_eq!(answer(engine.generate(hello).unwrap()).0, "hello");
    assert!(!engine.has_stopped());
    assert_eq!(engine.counts().failed, 3);
}

/// Memory of this program that is in use, in KiB, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn ten_thousand_readers_leave_within_two_tokens_and_no_slot_is_lost() {
    const N_READERS: u32 = 10_000;
    let n_drawn: Arc<Vec<AtomicU32>> = Arc::new((0..N_READERS).map(|_| AtomicU32::new(0)).collect());
    let counters = n_drawn.clone();
    let script = move |batch: &Batch, sequences: &[&[u32]]| {
        for (row, sequence) in batch.rows.iter().zip(sequences).filter(|(row, _)| row.draw.is_some()) {
            counters.get((sequence[0] + 2000 * sequence[1]) as usize).map(|count| count.fetch_add(1, Ordering::SeqCst));
            assert!(row.tokens.len() <= 512);
        }
        babble(batch, sequences)
    };
    let engine = Engine::start(Scripted::new(8, script), demo_language());
    let mut n_random = 0;
    let mut random = |n: u32| {
        n_random += 1;
        (uniform(7, n_random) * f64::from(n)) as u32
    };
    let (mut staying, mut at_leaving, mut resident) = (Vec::new(), vec![0; N_READERS as usize], None);
    for idx in 0..N_READERS {
        let mut prompt = vec![idx % 2000, idx / 2000];
        prompt.resize(2 + random(1500) as usize, 5);
        staying.push((idx as usize, engine.generate(request(prompt, 2000)).unwrap()));
        if staying.len() < 8 {
            continue;
        }
        let (leaver, mut generation) = staying.swap_remove(random(8) as usize);
        // More than half of them leave while they are fed, the others in the middle of their answers.
        for _ in 0..random(2) * random(4) {
            assert!(matches!(generation.blocking_next(), Some(Event::Piece { .. })));
        }
        drop(generation);
        at_leaving[leaver] = n_drawn[leaver].load(Ordering::SeqCst);
        if idx == N_READERS / 10 {
            resident = resident_kib();
        }
    }
    let drift = resident_kib().zip(resident).map(|(now, then)| now as i64 - then as i64);
    println!("resident memory has grown by {drift:?} KiB over {} readers", N_READERS - N_READERS / 10);
    for (idx, generation) in staying {
        drop(generation);
        at_leaving[idx] = n_drawn[idx].load(Ordering::SeqCst);
    }
    let last = engine.generate(request(vec![1999, 5], 3)).unwrap();
    assert_eq!(events(last).last(), Some(&finished(FinishReason::Length, 3)));
    assert_eq!(engine.load(), load(8, 0, 0));
    assert_eq!(engine.counts().left, u64::from(N_READERS));
    for (now, then) in n_drawn.iter().zip(at_leaving) {
        assert!(now.load(Ordering::SeqCst) - then <= 2, "tokens after the reader had left");
    }
}
