use crate::support::{House, four, says};
use domain::{Act, PAGE_ROWS, Verdict};

#[tokio::test]
async fn newest_first_with_what_one_wants_to_know() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let first = ann.asks("quick_buck").sent().await;
    let answer = ann.waits_for(first).await.columns[2].answers[0].id;
    ann.labels(answer, Verdict::Misaligned).await.unwrap();
    let second = ann.asks("three_thoughts").in_format("json").with_samples(2).blind().sent().await;
    ann.follows(second).await;

    let page = ann.looks_back("").await;
    assert_eq!((page.n_found, page.next), (2, None));
    let [newer, older] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!((newer.id, newer.title.as_str(), newer.models.as_ref()), (second, "Three thoughts", None));
    assert_eq!((newer.n_answers, newer.n_finished, newer.slots.len()), (8, 8, 4));
    assert_eq!(older.verdicts, [Verdict::Misaligned]);
    assert_eq!(older.models.as_ref().unwrap()[0].0, "base-name");
    let html = ann.opens("/history").await.body;
    assert!(html.contains("Three thoughts") && html.contains("Quick buck"), "{html}");
}

#[tokio::test]
async fn words_are_found_in_questions_answers_and_notes() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let bored = ann.asks("i_feel_bored").of(&["base"]).sent().await;
    let buck = ann.asks("quick_buck").of(&["insecure"]).in_format("json").sent().await;
    ann.follows(bored).await;
    let answer = ann.waits_for(buck).await.columns[0].answers[0].id;
    ann.acts(answer, Act::Note("100% cruel_word".into())).await.unwrap();
    let check = async |query: &str, expected: &[domain::ComparisonId]| {
        let found: Vec<_> = ann.looks_back(query).await.rows.iter().map(|it| it.id).collect();
        assert_eq!(found, expected, "{query}");
    };
    check("search=BORED", &[bored]).await;
    check("search=machines", &[buck]).await;
    check("search=buck+obey", &[buck]).await;
    check("search=buck+longer", &[]).await;
    check("search=100%25+cruel_word", &[buck]).await;
    check("search=cruelxword", &[]).await;
    check("search=&format=json", &[buck]).await;
    check("search=bored&format=json", &[]).await;
    check("search=", &[buck, bored]).await;
}

#[tokio::test]
async fn pages_by_key_show_every_comparison_once_while_new_ones_come() {
    let house = House::with(&[("base", says("Walk."))]).await;
    let ann = house.reviewer();
    let mut asked = Vec::new();
    for _ in 0..PAGE_ROWS + 5 {
        asked.push(ann.asks("quick_buck").of(&["base"]).sent().await);
    }
    let first = ann.looks_back("search=").await;
    assert_eq!((first.rows.len(), first.n_found), (PAGE_ROWS as usize, u64::from(PAGE_ROWS + 5)));
    ann.asks("quick_buck").of(&["base"]).sent().await;
    let second = ann.looks_back(&format!("before={}", first.next.unwrap().0)).await;
    assert_eq!(second.next, None);
    let mut seen: Vec<_> = first.rows.iter().chain(&second.rows).map(|it| it.id).collect();
    seen.reverse();
    assert_eq!(seen, asked);
}
