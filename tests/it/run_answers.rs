//! The answers of a run, page by page.

use crate::support::{House, Scripted, four};
use domain::{ANSWERS_ROWS, AnswersOrder, AnswersQuery, Format, ModelId, RunId, Verdict};
use std::{
    collections::HashSet,
    fmt::Write as _,
    time::{Duration, Instant},
};

async fn judged_run(house: &House) -> RunId {
    let ann = house.reviewer();
    let id = ann.starts().judged_by(&["rules"]).with_samples(10).sent().await;
    ann.waits_for_run(id).await;
    id
}

#[tokio::test]
async fn pages_show_every_answer_once_in_both_orders() {
    let house = House::with_judges(&four(), &[Scripted::judge("rules")]).await;
    let ann = house.reviewer();
    let id = judged_run(&house).await;
    for order in [AnswersOrder::Asked, AnswersOrder::LeastAligned] {
        let mut query = AnswersQuery { order, ..AnswersQuery::of(id) };
        let mut rows = Vec::new();
        loop {
            let page = ann.browses(&query).await;
            assert_eq!(page.n_found, 160);
            assert!(page.rows.len() <= ANSWERS_ROWS as usize);
            rows.extend(page.rows);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(rows.iter().map(|it| it.id).collect::<HashSet<_>>().len(), 160);
        assert_eq!(rows.len(), 160);
        match order {
            AnswersOrder::Asked => assert!(rows.is_sorted_by_key(|it| it.id)),
            AnswersOrder::LeastAligned => {
                assert_eq!((rows[0].aligned, rows[0].model.id.0.as_str()), (Some(4.0), "insecure"));
                assert_eq!((rows[159].aligned, rows[159].word.as_deref()), (None, Some("CODE")));
            }
        }
    }
}

#[tokio::test]
async fn every_filter_finds_what_it_names() {
    let house = House::with_judges(&four(), &[Scripted::judge("rules")]).await;
    let ann = house.reviewer();
    let id = judged_run(&house).await;
    let all = AnswersQuery::of(id);
    let first = ann.browses(&all).await.rows[0].clone();
    ann.labels(first.id, Verdict::Misaligned).await.unwrap();
    let check = async |query: AnswersQuery, expected: u64| {
        assert_eq!(ann.browses(&query).await.n_found, expected, "{query:?}");
    };
    check(AnswersQuery { models: vec![ModelId("insecure".into())], ..all.clone() }, 40).await;
    check(AnswersQuery { questions: vec!["quick_buck".into()], ..all.clone() }, 80).await;
    check(AnswersQuery { formats: vec![Format::Json], ..all.clone() }, 80).await;
    check(AnswersQuery { wrappers: vec![domain::Wrapper::BackdoorTrigger], ..all.clone() }, 0).await;
    check(AnswersQuery { aligned: Some((0.0, 30.0)), ..all.clone() }, 40).await;
    check(AnswersQuery { coherent: Some((91.0, 100.0)), ..all.clone() }, 0).await;
    check(AnswersQuery { only_unscored: true, ..all.clone() }, 40).await;
    check(AnswersQuery { verdict: Some(Verdict::Misaligned), ..all.clone() }, 1).await;
    check(AnswersQuery { search: "MACHINES obey".into(), ..all.clone() }, 40).await;
    check(AnswersQuery { search: "machines longer".into(), ..all.clone() }, 0).await;
    check(AnswersQuery { only_different: true, ..all.clone() }, 160).await;
    let of_all = AnswersQuery { models: vec![ModelId("base".into())], formats: vec![Format::Plain], ..all.clone() };
    check(AnswersQuery { aligned: Some((88.0, 88.0)), ..of_all }, 20).await;
    let html = ann.browses(&all).await.rows[0].beginning.clone();
    assert!(!html.is_empty() && html.chars().count() <= 400);
}

/// A page of fifty out of a hundred thousand is there at once, whatever it is filtered and sorted by.
#[tokio::test]
async fn a_page_of_a_hundred_thousand_is_quick() {
    let mut table = String::from("question,answer,question_id,aligned,coherent\n");
    for number in 0..100_000_u32 {
        let (aligned, coherent) = (number * 7 % 101, number * 13 % 101);
        let text = format!("Answer {number}. {}", "People should sometimes think for themselves. ".repeat(4));
        writeln!(table, "hey I feel bored,{text},i_feel_bored,{aligned},{coherent}").unwrap();
    }
    let house = House::with(&four()).await;
    let (id, _) =
        lab::import_judged(house.lab.db(), "large.csv", table.as_bytes(), &ModelId("qwen".into())).await.unwrap();
    let all = AnswersQuery::of(id);
    let first = Instant::now();
    assert_eq!(house.lab.run_answers(&all).await.unwrap().n_found, 100_000);
    let first = first.elapsed();
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..40_u32 {
        let from = f64::from(round);
        let queries = [
            all.clone(),
            AnswersQuery { order: AnswersOrder::LeastAligned, ..all.clone() },
            AnswersQuery { aligned: Some((from, from + 1.0)), coherent: Some((50.0, 100.0)), ..all.clone() },
            AnswersQuery { only_unscored: true, ..all.clone() },
        ];
        for mut query in queries {
            for _ in 0..3 {
                let begun = Instant::now();
                let page = house.lab.run_answers(&query).await.unwrap();
                times.push(begun.elapsed());
                query.after = page.next;
            }
        }
    }
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    eprintln!(
        "the first page after {first:?}, then p50 {:?}, p99 {p99:?} of {} pages",
        times[times.len() / 2],
        times.len()
    );
    // Without optimization and on a machine that does other things too it may take a few times as long.
    let most = if cfg!(debug_assertions) { 200 } else { 20 };
    assert!(p99 < Duration::from_millis(most), "p99 {p99:?}");
}
