//! A server with a database of its own.

use super::{
    Reviewer, Script,
    script::{Gate, ScriptedRunner, demo_folder},
};
use axum::Router;
use domain::{Comparison, ComparisonId, MadeOf, Memory, ModelCard, ModelId, ModelState, Registered, Role, Weights};
use engine::{AdapterIdx, Engine, Language};
use lab::{Hosted, Judge, Judges, Lab, Models, Order};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::Db;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use web::{AppState, Assets, Hosts, Limits};

pub struct House {
    pub router: Router,
    pub lab: Lab,
    gate: Gate,
    /// Whether a model that is being loaded stays at 43 %.
    holds_loads: watch::Sender<bool>,
    folder: TempDir,
    scripts: Vec<(String, Script)>,
    judges: Vec<Arc<dyn Judge>>,
}

const HASH: &str = "hash";

/// A house whose server has ended; its data is still there.
pub struct Stopped {
    folder: TempDir,
    scripts: Vec<(String, Script)>,
    judges: Vec<Arc<dyn Judge>>,
    /// What the hashes of its models' files will end with.
    hash: &'static str,
}

impl House {
    /// The models' ids and scripts; the first is the base, and an id that is a role's word has that role.
    pub async fn with(scripts: &[(&str, Script)]) -> Self {
        Self::with_judges(scripts, &[]).await
    }

    /// The same with judges that runs may be judged by.
    pub async fn with_judges(scripts: &[(&str, Script)], judges: &[Arc<dyn Judge>]) -> Self {
        let scripts = scripts.iter().map(|(id, script)| ((*id).to_owned(), script.clone())).collect();
        Stopped { folder: tempfile::tempdir().unwrap(), scripts, judges: judges.to_vec(), hash: HASH }.starts().await
    }

    /// The same house with other limits on what its API may be asked.
    pub fn limited(mut self, limits: Limits) -> Self {
        let state = AppState::new(self.lab.clone(), Assets::new(|_| None, "test".into()), Hosts::Loopback);
        self.router = web::router(state.with_limits(limits));
        self
    }

    pub fn reviewer(&self) -> Reviewer {
        Reviewer { router: self.router.clone() }
    }

    /// The engine stands still before its next step.
    pub fn hold(&self) {
        self.gate.hold_after(0);
    }

    /// Lets a held engine go on step by step until the comparison looks as it should.
    pub async fn steps_until(&self, id: ComparisonId, looks_right: impl Fn(&Comparison) -> bool) -> Comparison {
        let steps = async {
            loop {
                let comparison = self.lab.comparison(id).await.unwrap();
                if looks_right(&comparison) {
                    return comparison;
                }
                self.gate.hold_after(1);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), steps).await.expect("it never looked right")
    }

    /// Lets a held engine go on for so many steps.
    pub fn steps(&self, n_steps: u64) {
        self.gate.hold_after(n_steps);
    }

    /// Models stay half loaded.
    pub fn hold_loads(&self) {
        self.holds_loads.send_replace(true);
    }

    pub fn let_loads_go(&self) {
        self.holds_loads.send_replace(false);
    }

    /// Waits until a model is in a state. What never comes fails the test.
    pub async fn comes_to(&self, id: &str, looks_right: impl Fn(&ModelState) -> bool) {
        let wait = async {
            while !self.lab.models().card(&ModelId(id.into())).is_some_and(|it| looks_right(&it.state)) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the model never came to that state");
    }

    pub fn let_go(&self) {
        self.gate.open();
    }

    /// The server goes down as it does when it is told to.
    pub async fn stops(self) -> Stopped {
        let down = self.lab.shut_down();
        // An engine that stands still would never hear of it.
        tokio::join!(down, async { self.gate.open() });
        self.lab.db().close().await;
        Stopped { folder: self.folder, scripts: self.scripts, judges: self.judges, hash: HASH }
    }

    /// The process is gone from one moment to the next: nothing more is written.
    pub async fn dies(self) -> Stopped {
        self.lab.db().close().await;
        self.gate.open();
        Stopped { folder: self.folder, scripts: self.scripts, judges: self.judges, hash: HASH }
    }

    /// The database file, to be opened a second time.
    pub async fn database(&self) -> Db {
        Db::open(self.folder.path()).await.unwrap()
    }

    /// Opens the door on a free port of this machine, and says where.
    pub async fn listens(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, service).into_future());
        format!("http://{address}")
    }

    /// Waits until the engines have nothing in hand any more. What never happens fails the test.
    pub async fn comes_to_rest(&self) {
        let rest = async {
            let is_busy = || {
                let load = self.lab.models().load();
                load.n_running + load.n_waiting > 0
            };
            while is_busy() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), rest).await.expect("the engine never came to rest");
    }
}

impl Stopped {
    pub async fn starts(self) -> House {
        let gate = Gate::default();
        let base = self.scripts[0].0.clone();
        let models = Arc::new(Models::new(self.scripts.iter().map(|(id, _)| registered(id, &base)).collect()));
        let holds_loads = watch::Sender::new(false);
        let loader = Loader {
            models: models.clone(),
            scripts: self.scripts.clone(),
            gate: gate.clone(),
            holds: holds_loads.subscribe(),
            hash: self.hash,
        };
        loader.bring_up();
        tokio::spawn(loader.run());
        let judges = Judges::of(self.judges.clone(), models.clone());
        let lab = Lab::open(Db::open(self.folder.path()).await.unwrap(), models, judges).await.unwrap();
        let state = AppState::new(lab.clone(), Assets::new(|_| None, "test".into()), Hosts::Loopback);
        let Self { folder, scripts, judges, .. } = self;
        House { router: web::router(state), lab, gate, holds_loads, folder, scripts, judges }
    }

    /// The files of its models are others now.
    pub fn changes_files(mut self) -> Self {
        self.hash = "other-hash";
        self
    }

    /// The house starts with other models than it had.
    pub fn changes_models(mut self, scripts: &[(&str, Script)]) -> Self {
        self.scripts = scripts.iter().map(|(id, script)| ((*id).to_owned(), script.clone())).collect();
        self
    }
}

/// Carries the orders of the laboratory out, with scripted engines.
struct Loader {
    models: Arc<Models>,
    scripts: Vec<(String, Script)>,
    gate: Gate,
    holds: watch::Receiver<bool>,
    hash: &'static str,
}

impl Loader {
    async fn run(mut self) {
        loop {
            let Order::Load { checkpoint, .. } = self.models.next_order().await;
            let _ = self.models.set_progress(&checkpoint, 43);
            if self.holds.wait_for(|holds| !holds).await.is_err() {
                return;
            }
            if self.models.set_progress(&checkpoint, 100).is_continue() {
                self.bring_up();
            }
        }
    }

    /// A new engine for all of them.
    fn bring_up(&self) {
        let runner = ScriptedRunner::new(self.scripts.iter().map(|(_, script)| script.clone()), self.gate.clone());
        let engine = Engine::start(runner, Language::load(&demo_folder()).unwrap());
        for (idx, (id, _)) in (0..).zip(&self.scripts) {
            self.models
                .set_ready(&ModelId(id.clone()), hosted(&engine, AdapterIdx(idx), format!("{id}-{}", self.hash)));
        }
    }
}

fn registered(id: &str, base: &str) -> Registered {
    let base = (id != base).then(|| ModelId(base.to_owned()));
    Registered {
        card: card(id),
        made_of: Some(MadeOf { folder: format!("{id}-folder"), base, template: "own".into(), on_demand: false }),
        weights: Some(Weights { architecture: format!("{id}-architecture"), n_parameters: 3_530_000 }),
        hash: None,
        memory: Some(Memory { weights_bytes: 7_000_000, cache_bytes: 0 }),
        n_answers: 0,
    }
}

fn card(id: &str) -> ModelCard {
    ModelCard {
        id: ModelId(id.to_owned()),
        name: format!("{id}-name"),
        role: Role::parse(id).unwrap_or(Role::Other),
        about: format!("{id}-about"),
        is_demo: false,
        state: ModelState::Unloaded("not yet".into()),
    }
}

fn hosted(engine: &Engine, adapter: AdapterIdx, hash: String) -> Hosted {
    Hosted { engine: engine.clone(), adapter, hash, device: "cpu".into(), precision: "scripted".into() }
}
