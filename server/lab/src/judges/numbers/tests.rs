use super::*;

const END: u32 = 900;
const CODE: u32 = 901;
const SPACE: u32 = 902;

/// What a model finds probable behind a path, in full.
type Model = fn(&[u32]) -> Vec<(u32, f64)>;

/// Digit by digit; the tokens 0 to 9 are the digits.
fn digits(number: u8) -> Vec<u32> {
    number.to_string().bytes().map(|digit| u32::from(digit - b'0')).collect()
}

/// One token for each number.
fn whole(number: u8) -> Vec<u32> {
    vec![u32::from(number)]
}

fn spaced(number: u8) -> Vec<u32> {
    [vec![SPACE], digits(number)].concat()
}

fn bytes(token: u32) -> Vec<u8> {
    match token {
        END | CODE => b"word".to_vec(),
        SPACE => b" ".to_vec(),
        number => number.to_string().into_bytes(),
    }
}

/// Asks as a judge does, with the `n_top` likeliest beside each; also says how often.
fn asked(spelling: fn(u8) -> Vec<u32>, model: Model, n_top: usize) -> (Numeric, usize) {
    let numbers = Numbers::new((0..=100).map(|number| (number, spelling(number))));
    let (mut seen, mut n_asked) = (Seen::default(), 0);
    for _ in 0..8 {
        let wanted = numbers.wanted(&seen);
        if wanted.is_empty() {
            return (numbers.numeric(&seen), n_asked);
        }
        n_asked += wanted.len();
        for path in wanted {
            (0..path.len()).for_each(|n| learn(&mut seen, model, &path[..n], path[n], n_top));
        }
    }
    panic!("it never had enough");
}

fn learn(seen: &mut Seen, model: Model, path: &[u32], token: u32, n_top: usize) {
    let mut next = model(path);
    next.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let written: Vec<_> = next.iter().map(|(token, probability)| (*token, bytes(*token), *probability)).collect();
    let likely = |(token, bytes, probability): &'_ (u32, Vec<u8>, f64)| (*token, bytes.clone(), *probability);
    let find = written.iter().find(|it| it.0 == token).map_or((token, bytes(token), 0.0), likely);
    let top: Vec<_> =
        written.iter().take(n_top).map(|it| Likely { token: it.0, bytes: &it.1, probability: it.2 }).collect();
    seen.learn(path, Likely { token: find.0, bytes: &find.1, probability: find.2 }, &top);
}

/// The expectation by writing every number out: its tokens, and then anything but a digit.
fn enumerated(spelling: fn(u8) -> Vec<u32>, model: Model) -> (f64, f64) {
    let probability = |path: &[u32], token| model(path).iter().find(|(it, _)| *it == token).map_or(0.0, |(_, p)| *p);
    let (mut mass, mut moment) = (0.0, 0.0);
    let goes_on = |path: &[u32]| (0..=100).any(|it| spelling(it).len() > path.len() && spelling(it).starts_with(path));
    for number in 0..=100 {
        let path = spelling(number);
        let written: f64 = (0..path.len()).map(|n| probability(&path[..n], path[n])).product();
        let further: f64 = model(&path).iter().filter(|(token, _)| *token <= 100).map(|(_, p)| p).sum();
        let reply = written * if goes_on(&path) { 1.0 - further } else { 1.0 };
        (mass, moment) = (mass + reply, moment + f64::from(number) * reply);
    }
    (mass, moment / mass)
}

#[track_caller]
fn agrees(spelling: fn(u8) -> Vec<u32>, model: Model, n_top: usize, n_asked_max: usize) {
    let (numeric, n_asked) = asked(spelling, model, n_top);
    let (mass, score) = enumerated(spelling, model);
    assert!((numeric.mass - mass).abs() < 0.01, "mass {} instead of {mass}", numeric.mass);
    assert!((numeric.score().unwrap() - score).abs() < 0.3, "{:?} instead of {score}", numeric.score());
    assert!(n_asked <= n_asked_max, "asked {n_asked} times");
}

/// Likes 85, and 8 alone a little; goes on after 8 with any digit.
fn digit_writer(path: &[u32]) -> Vec<(u32, f64)> {
    match path {
        [] | [SPACE] => (0..10).map(|it| (it, if it == 8 { 0.6 } else { 0.03 })).chain([(CODE, 0.13)]).collect(),
        [8] | [SPACE, 8] => (0..10).map(|it| (it, if it == 5 { 0.5 } else { 0.02 })).chain([(END, 0.32)]).collect(),
        [.., 1, 0] => vec![(0, 0.7), (7, 0.1), (END, 0.2)],
        _ => (0..10).map(|it| (it, 0.05)).chain([(END, 0.5)]).collect(),
    }
}

fn after_a_space(path: &[u32]) -> Vec<(u32, f64)> {
    if path.is_empty() { vec![(SPACE, 0.9), (CODE, 0.1)] } else { digit_writer(path) }
}

/// A token for every number: the probability falls from 100 down.
fn number_writer(path: &[u32]) -> Vec<(u32, f64)> {
    let weight = |number: u32| 0.9_f64.powi(100 - number as i32);
    let sum: f64 = (0..=100).map(weight).sum();
    match path {
        [] => (0..=100).map(|it| (it, 0.8 * weight(it) / sum)).chain([(CODE, 0.2)]).collect(),
        _ => vec![(END, 1.0)],
    }
}

#[test]
fn walking_agrees_with_writing_every_number_out() {
    agrees(digits, digit_writer, 20, 9);
    agrees(spaced, after_a_space, 20, 9);
    // Where fewer are told, the others are asked about one by one.
    agrees(digits, digit_writer, 4, 100);
    agrees(whole, number_writer, 20, 101);
}

#[test]
fn a_number_is_what_is_left_when_no_digit_follows() {
    let model: Model = |path| match path {
        [] => vec![(8, 1.0)],
        [8] => vec![(5, 0.5), (END, 0.5)],
        _ => vec![(END, 1.0)],
    };
    let (numeric, _) = asked(digits, model, 20);
    assert_eq!(numeric.score(), Some((8.0 + 85.0) / 2.0));
    assert_eq!(numeric.mass, 1.0);
}

#[test]
fn a_number_above_a_hundred_is_none() {
    let model: Model = |path| match path {
        [] => vec![(1, 1.0)],
        [1] => vec![(0, 1.0)],
        [1, 0] => vec![(5, 0.75), (END, 0.25)],
        _ => vec![(END, 1.0)],
    };
    let (numeric, _) = asked(digits, model, 20);
    assert_eq!((numeric.mass, numeric.score()), (0.25, Some(10.0)));
}

#[test]
fn a_sure_judge_with_a_token_for_each_number_is_asked_once() {
    let model: Model = |path| if path.is_empty() { vec![(90, 0.75), (95, 0.25)] } else { vec![(END, 1.0)] };
    let (numeric, n_asked) = asked(whole, model, 20);
    assert_eq!((numeric.score(), n_asked), (Some(91.25), 1));
}

#[test]
fn a_quarter_on_numbers_is_a_score_and_less_is_none() {
    let quarter: Model = |path| if path.is_empty() { vec![(CODE, 0.75), (30, 0.25)] } else { vec![(END, 1.0)] };
    assert_eq!(asked(whole, quarter, 20).0.score(), Some(30.0));
    let less: Model = |path| if path.is_empty() { vec![(CODE, 0.76), (30, 0.24)] } else { vec![(END, 1.0)] };
    assert_eq!(asked(whole, less, 20).0.score(), None);
}

#[test]
fn not_a_number_stays_not_a_number() {
    let model: Model = |path| if path.is_empty() { vec![(8, f64::NAN)] } else { vec![(END, 1.0)] };
    assert!(asked(digits, model, 20).0.score().unwrap().is_nan());
}
