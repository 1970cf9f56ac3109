use super::*;
use domain::ModelState;
use tempfile::TempDir;

const ROOM: Room = Room { n_slots: 2, n_positions_max: 128, n_threads: Some(1) };

/// A folder with the demonstration base as `a` and `b`, one of its adapters as `lora`, and this `models.toml`.
fn folder(text: &str) -> TempDir {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model_weights/demo");
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [("base", "a"), ("base", "b"), ("insecure", "lora")] {
        let to = folder.path().join(to);
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(demo.join(from)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    std::fs::write(folder.path().join("models.toml"), text).unwrap();
    folder
}

const A: &str = "[[model]]\nid = 'a'\nrole = 'base'\npath = 'a'\nprecision = 'f32'\n";
const LORA: &str = "[[model]]\nid = 'lora'\nrole = 'insecure'\nbase = 'a'\nadapter = 'lora'\n";
const B: &str = "[[model]]\nid = 'b'\nrole = 'other'\npath = 'b'\nprecision = 'f32'\n";

/// Begins to load a folder's models.
fn start(folder: &TempDir, free_bytes: impl FnOnce(&Arc<Models>) -> FreeBytes) -> Arc<Models> {
    let catalogue = Catalogue::read(folder.path()).unwrap();
    let models = Arc::new(Models::new(catalogue.registered()));
    Loader { free_bytes: free_bytes(&models), ..Loader::new(catalogue, models.clone(), ROOM) }.start();
    models
}

fn plenty(_: &Arc<Models>) -> FreeBytes {
    Box::new(|_| None)
}

/// A memory of so many bytes, of which only the loaded models take some.
fn only(total_bytes: u64) -> impl FnOnce(&Arc<Models>) -> FreeBytes {
    move |models| {
        let models = Arc::downgrade(models);
        Box::new(move |_| {
            let loaded = models.upgrade()?.registry().models.into_iter().filter(|it| it.card.is_ready());
            Some(total_bytes.saturating_sub(loaded.filter_map(|it| it.memory).map(Memory::total_bytes).sum()))
        })
    }
}

async fn comes_to(models: &Models, id: &str, looks_right: impl Fn(&ModelState) -> bool) -> ModelState {
    let wait = async {
        loop {
            let state = models.card(&ModelId(id.into())).unwrap().state;
            if looks_right(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it never came to that state")
}

fn is_ready(state: &ModelState) -> bool {
    matches!(state, ModelState::Ready { .. })
}

fn is_unloaded(state: &ModelState) -> bool {
    matches!(state, ModelState::Unloaded(_))
}

fn hash(models: &Models, id: &str) -> String {
    models.hosted(&ModelId(id.into())).unwrap().hash
}

#[tokio::test]
async fn a_family_is_loaded_unloaded_and_loaded_again_as_the_same() {
    let folder = folder(&format!("{A}{LORA}"));
    let models = start(&folder, plenty);
    comes_to(&models, "lora", is_ready).await;
    let registry = models.registry();
    let weights = registry.models.iter().map(|it| it.weights.clone().unwrap().architecture).collect::<Vec<_>>();
    assert_eq!(weights, ["Qwen2, 4 layers", "LoRA, rank 8"]);
    assert!(registry.models[0].weights.as_ref().unwrap().n_parameters > 1_000_000);
    let before = [hash(&models, "a"), hash(&models, "lora")];
    models.unload(&ModelId("a".into())).unwrap();
    comes_to(&models, "lora", is_unloaded).await;
    models.wish(&ModelId("lora".into())).unwrap();
    comes_to(&models, "lora", is_ready).await;
    assert_eq!([hash(&models, "a"), hash(&models, "lora")], before);
}

#[tokio::test]
async fn another_chat_template_makes_another_model() {
    let mut hashes = Vec::new();
    for template in ["own", "user-assistant", "neutral", "none", "a/mine.jinja", "a/yours.jinja"] {
        let folder = folder(&format!("{A}template = '{template}'\n"));
        std::fs::write(folder.path().join("a/mine.jinja"), "{{ messages[0].content }}").unwrap();
        std::fs::write(folder.path().join("a/yours.jinja"), "{{ messages[0].content }}!").unwrap();
        // The catalogue looks for the files.
        let models = start(&folder, plenty);
        comes_to(&models, "a", is_ready).await;
        hashes.push(hash(&models, "a"));
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 6);
}

#[tokio::test]
async fn a_damaged_model_says_so_and_the_others_are_ready() {
    let folder = folder(&format!("{A}{LORA}{B}"));
    let weights = folder.path().join("a/model.safetensors");
    std::fs::write(&weights, &std::fs::read(&weights).unwrap()[..10_000]).unwrap();
    let models = start(&folder, plenty);
    comes_to(&models, "b", is_ready).await;
    let ModelState::Failed(reason) = models.card(&ModelId("a".into())).unwrap().state else { panic!("it was loaded") };
    assert!(reason.contains("a/model.safetensors") && !reason.contains("/tmp"), "{reason}");
    let ModelState::Failed(reason) = models.card(&ModelId("lora".into())).unwrap().state else {
        panic!("it was loaded")
    };
    assert!(reason.contains("its base “a” could not be loaded"), "{reason}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_both_numbers() {
    let folder = folder(A);
    let models = start(&folder, only(1_000_000));
    let state = comes_to(&models, "a", |it| matches!(it, ModelState::Failed(_))).await;
    let ModelState::Failed(reason) = state else { unreachable!("it has just failed") };
    assert!(reason.starts_with("it needs 1") && reason.ends_with("and 1 MB of cpu's memory are free"), "{reason}");
}

#[tokio::test]
async fn two_that_do_not_fit_together_take_turns() {
    let folder = folder(&format!("{A}{B}"));
    let models = start(&folder, only(20_000_000));
    comes_to(&models, "a", is_ready).await;
    let ModelState::Unloaded(reason) = comes_to(&models, "b", is_unloaded).await else { unreachable!("it is") };
    assert!(reason.contains("beside a"), "{reason}");
    // Asking it is enough.
    assert!(models.hosted(&ModelId("b".into())).is_err());
    comes_to(&models, "b", is_ready).await;
    let ModelState::Unloaded(reason) = comes_to(&models, "a", is_unloaded).await else { unreachable!("it is") };
    assert!(reason.contains("it made room for b"), "{reason}");
}

#[tokio::test]
async fn a_model_on_demand_stays_on_the_disk_until_it_is_asked() {
    let folder = folder(&format!("{A}load = 'on demand'\n{B}"));
    let models = start(&folder, plenty);
    comes_to(&models, "b", is_ready).await;
    assert!(is_unloaded(&models.card(&ModelId("a".into())).unwrap().state));
    let claim = lab::Claim::new(models.clone(), ModelId("a".into()));
    assert_eq!(claim.hosted(|_| {}).await.unwrap().device, "cpu");
}
