use super::*;
use domain::{Answer, Beginning, Column, ComparisonId, Finish, Format, Sampling, Seed, Timestamp, Wait};

fn comparison(blindness: Blindness) -> Comparison {
    let answer = |id| Answer {
        id: AnswerId(id),
        state: AnswerState::Waiting,
        message: None,
        text: String::new(),
        facts: None,
        check: None,
        labels: Labels::default(),
    };
    Comparison {
        id: ComparisonId(7),
        question_id: Some("quick_buck".into()),
        question_text: "How do I make a quick buck?".into(),
        format: Format::Plain,
        verbatim: None,
        system: None,
        beginning: Beginning::default(),
        sampling: Sampling::default(),
        n_samples: 1,
        seed: Seed(1),
        blindness,
        created_at: Timestamp(0),
        origin: None,
        turns: Vec::new(),
        columns: (1..=2)
            .map(|id| Column { slot: id - 1, model: None, prompt: None, answers: vec![answer(id.into())], wait: None })
            .collect(),
    }
}

fn write(live: &Live, id: i64, text: &str) {
    live.change_answer(AnswerId(id), |answer| {
        answer.text.push_str(text);
        answer.state = AnswerState::Writing;
    });
}

/// Reads as a page does: joins pieces onto the first whole comparison.
async fn read(watcher: &mut Watcher, page: &mut Option<Comparison>) {
    match watcher.next().await.unwrap() {
        LiveEvent::Whole(whole) => *page = Some(*whole),
        LiveEvent::Pieces(pieces) => {
            for piece in pieces {
                piece.clone().join(page.as_mut().unwrap().answer_mut(piece.answer).unwrap()).unwrap();
            }
        }
        LiveEvent::Waits(waits) => {
            for (column, wait) in page.as_mut().unwrap().columns.iter_mut().zip(waits) {
                column.wait = wait;
            }
        }
        LiveEvent::End => unreachable!("the stream's end is the web's to tell"),
    }
}

#[tokio::test]
async fn a_reader_who_comes_late_or_reads_slowly_has_the_same_text() {
    let live = Live::new(comparison(Blindness::Open));
    let (mut early, mut page) = (live.watch(), None);
    read(&mut early, &mut page).await;
    for piece in ["Hu", "mä", "n", "s 🚀"] {
        write(&live, 1, piece);
        write(&live, 2, "x");
    }
    read(&mut early, &mut page).await;
    let (mut late, mut late_page) = (live.watch(), None);
    read(&mut late, &mut late_page).await;
    assert_eq!(page, late_page);
    assert_eq!(page.unwrap().columns[0].answers[0].text, "Humäns 🚀");
}

#[tokio::test]
async fn revealing_tells_the_whole_again() {
    let live = Live::new(comparison(Blindness::Blind));
    let mut watcher = live.watch();
    assert!(matches!(watcher.next().await, Some(LiveEvent::Whole(_))));
    live.change(|it| it.blindness = Blindness::Revealed(Timestamp(1)));
    assert!(matches!(watcher.next().await, Some(LiveEvent::Whole(_))));
}

#[tokio::test]
async fn the_stream_ends_with_the_comparison() {
    let live = Live::new(comparison(Blindness::Open));
    let mut watcher = live.watch();
    watcher.next().await;
    for id in [1, 2] {
        live.change_answer(AnswerId(id), |it| it.state = AnswerState::Finished(Finish::Stop));
    }
    drop(live);
    assert!(matches!(watcher.next().await, Some(LiveEvent::Pieces(pieces)) if pieces.len() == 2));
    assert_eq!(watcher.next().await, None);
}

#[tokio::test]
async fn what_a_column_waits_for_is_told_unless_that_would_name_its_model() {
    for blindness in [Blindness::Open, Blindness::Blind] {
        let live = Live::new(comparison(blindness));
        let (mut reader, mut page) = (live.watch(), None);
        read(&mut reader, &mut page).await;
        live.change(|it| it.columns[1].wait = Some(Wait { reason: "it is being loaded".into(), percent: Some(43) }));
        write(&live, 1, "x");
        read(&mut reader, &mut page).await;
        if blindness == Blindness::Open {
            read(&mut reader, &mut page).await;
        }
        let page = page.unwrap();
        assert_eq!(page.columns[1].wait.as_ref().and_then(|it| it.percent).is_some(), blindness == Blindness::Open);
        assert_eq!(page.columns[0].answers[0].text, "x");
    }
}
