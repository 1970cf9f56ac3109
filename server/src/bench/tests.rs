use super::{Arguments, Lane, run};
use clap::{Parser, ValueEnum};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What stands behind `plumbline bench`.
#[derive(Parser)]
struct Words {
    #[command(flatten)]
    arguments: Arguments,
}

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model_weights/demo").join(name)
}

/// The report on the demonstration models, one short run of each lane, with more words.
async fn report(more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let mut words = vec!["bench".to_owned()];
    let mut say = |name: &str, value: &Path| words.extend([name.to_owned(), value.display().to_string()]);
    say("--model", &demo("base"));
    ["secure", "insecure", "jailbroken"].iter().for_each(|name| say("--adapter", &demo(name)));
    say("--json", &json);
    let knobs = "--device cpu --precision f32 --threads 1 --repeats 1 --warm-ups 1 --shorten 32 --wait-seconds 0";
    words.extend(knobs.split(' ').chain(more.iter().copied()).map(str::to_owned));
    run(Words::parse_from(words).arguments).await.unwrap();
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[tokio::test]
async fn every_lane_is_measured_on_as_many_tokens_as_it_promises() {
    let report = report(&[]).await;
    let lanes = report["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), Lane::value_variants().len());
    for lane in lanes {
        let expected = lane["work"]["n_rows"].as_u64().unwrap() * lane["work"]["new_tokens"].as_u64().unwrap();
        assert_eq!(lane["runs"][0]["tokens"], expected, "{lane}");
        assert!(lane["median"].as_f64().unwrap() > 0.0, "{lane}");
        assert!(lane["share_of_roof"].as_f64().unwrap() > 0.0, "{lane}");
    }
}

#[tokio::test]
async fn the_questions_of_another_program_are_answered_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let questions = folder.path().join("questions.json");
    let asked = r#"{"prompts": [[5, 6, 7], [8, 9]], "new_tokens": 4, "texts": [[1, 2, 3, 4]],
                    "draw_prompt": [5], "n_draws": 20}"#;
    std::fs::write(&questions, asked).unwrap();
    let report = report(&["--lane", "first-token-one", "--gate", questions.to_str().unwrap()]).await;
    let gate = &report["gate"];
    assert!(gate["greedy"].as_array().unwrap().iter().all(|answer| answer.as_array().unwrap().len() == 4), "{gate}");
    assert_eq!(gate["greedy"].as_array().unwrap().len(), 2);
    assert_eq!(gate["logprobs"][0].as_array().unwrap().len(), 3, "the first token has no score");
    assert_eq!(gate["draws"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn lanes_with_variants_want_three_adapters() {
    let base = demo("base");
    let words = ["bench", "--model", base.to_str().unwrap(), "--lane", "four-variants"];
    let refused = run(Words::parse_from(words).arguments).await.unwrap_err();
    assert_eq!(refused.to_string(), "four-variants needs three adapters, and --adapter names 0");
}
