//! Keeps engines busy with the answers of a run, and follows each of them to its end.
//!
//! Each model has a feeder. Those whose models share an engine take its places in turns, so one batch holds the rows of all
//! variants; it is always asked for a little more than it can take, so that no slot waits for the laboratory.

use super::{LiveRun, driver::Order, live::Wish};
use crate::{
    Claim, Hosted, Lab,
    column::{Clock, Prepared, finish, message_of, prepared, sampling},
};
use domain::{AnswerState, ComparisonId, ModelId, PackQuestion, Speaker, Wrapper};
use engine::{Engine, Event, Generation, Message, Priority, Refused, Request};
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};
use store::{
    answers::Provenance,
    runs::{Made, ToMake, Waiting},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

/// Answers in hand for each slot of an engine that is not kept free for others.
const PER_SLOT: usize = 2;

/// How long is waited where an engine has as much to do as it can take.
const PAUSE: Duration = Duration::from_millis(20);

/// What the feeders of a run have in common.
pub(crate) struct Workshop {
    lab: Lab,
    live: Arc<LiveRun>,
    order: Arc<Order>,
    made: mpsc::Sender<Kept>,
    /// The places of each engine.
    places: Mutex<Vec<(Engine, Arc<Semaphore>)>>,
}

/// An answer that is over, on its way to being kept.
pub(crate) struct Kept {
    pub made: Made,
    pub column: Arc<Column>,
}

/// What the answers of one column have in common.
pub(crate) struct Column {
    pub column_id: i64,
    pub comparison: ComparisonId,
    pub model_idx: usize,
    /// None where not even its prompt could be made.
    pub made_with: Option<Provenance>,
    /// Whether it stands in the database.
    pub is_kept: AtomicBool,
}

impl Workshop {
    pub(crate) fn new(lab: Lab, live: Arc<LiveRun>, order: Arc<Order>, made: mpsc::Sender<Kept>) -> Self {
        Self { lab, live, order, made, places: Mutex::default() }
    }

    fn places(&self, engine: &Engine) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = places.iter().find(|(it, _)| it.is_same(engine)) {
            return found.clone();
        }
        let n_places = PER_SLOT * n_bulk_slots(engine.shape().n_slots as usize);
        let new = Arc::new(Semaphore::new(n_places));
        places.push((engine.clone(), new.clone()));
        new
    }
}

/// A quarter is kept for those who watch.
fn n_bulk_slots(n_slots: usize) -> usize {
    (n_slots - n_slots / 4).max(1)
}

/// Asks one model.
pub(crate) struct Feeder {
    workshop: Arc<Workshop>,
    model_idx: usize,
    model: ModelId,
    followers: JoinSet<()>,
}

impl Feeder {
    pub(crate) fn new(workshop: Arc<Workshop>, model_idx: usize) -> Self {
        let model = workshop.order.models[model_idx].id.clone();
        Self { workshop, model_idx, model, followers: JoinSet::new() }
    }

    /// Every answer of these columns, as long as the run is to go on. What is not made then goes on waiting.
    pub(crate) async fn feed(mut self, columns: Vec<ToMake>) {
        let live = self.workshop.live.clone();
        // Held until the last answer is over, so that the model is not dropped in between.
        let claim = Claim::new(self.workshop.lab.models.clone(), self.model.clone());
        tokio::select! {
            biased;
            () = live.wished_at_least(Wish::Drop) => return,
            () = self.feed_columns(&claim, columns) => {}
        }
        tokio::select! {
            biased;
            // Those who follow are dropped with their answers.
            () = live.wished_at_least(Wish::Drop) => {}
            () = async { while self.followers.join_next().await.is_some() {} } => {}
        }
    }

    async fn feed_columns(&mut self, claim: &Claim, columns: Vec<ToMake>) {
        let live = self.workshop.live.clone();
        for column in columns {
            let hosted = tokio::select! {
                biased;
                () = live.wished_at_least(Wish::Drain) => return,
                found = claim.hosted(|_| {}) => match found {
                    Ok(hosted) => hosted,
                    Err(absent) => return live.fail(absent.to_string(), Wish::Drain),
                },
            };
            let goes_on = match Asking::of(&self.workshop, &column, hosted) {
                Ok(asking) => self.feed_column(&Arc::new(asking), &column.waiting).await,
                Err(Unmade::Run(reason)) => return live.fail(reason, Wish::Drain),
                Err(Unmade::Answers(reason)) => self.fail_all(&column, &reason).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Returns whether the model can be asked more.
    async fn feed_column(&mut self, asking: &Arc<Asking>, waiting: &[Waiting]) -> bool {
        let live = self.workshop.live.clone();
        let places = self.workshop.places(&asking.hosted.engine);
        for answer in waiting {
            let place = tokio::select! {
                biased;
                () = live.wished_at_least(Wish::Drain) => return false,
                place = places.clone().acquire_owned() => place.expect("it is never closed"),
            };
            // What is over already is not kept until the end of a long run.
            while self.followers.try_join_next().is_some() {}
            let generation = match asking.ask(answer).await {
                Ok(generation) => Ok(generation),
                // The engine has died. The model is loaded again; what is not made goes on waiting.
                Err(Refused::Stopped) => return true,
                Err(refused) => Err(refused.to_string()),
            };
            let follower = Follower { workshop: self.workshop.clone(), asking: asking.clone(), answer: *answer };
            self.followers.spawn(follower.follow(generation, place));
        }
        true
    }

    /// Not one answer of this column can be asked for.
    async fn fail_all(&self, column: &ToMake, reason: &str) -> bool {
        let column_of = Arc::new(Column {
            column_id: column.column_id,
            comparison: column.comparison,
            model_idx: self.model_idx,
            made_with: None,
            is_kept: AtomicBool::new(true),
        });
        for answer in &column.waiting {
            let state = AnswerState::Failed(reason.to_owned());
            let made = Made { id: answer.id, state, text: String::new(), facts: None, check: None };
            if self.workshop.made.send(Kept { made, column: column_of.clone() }).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// Why a column is not asked.
enum Unmade {
    /// The run must not go on like this.
    Run(String),
    /// Its answers fail.
    Answers(String),
}

/// All that asking for the answers of a column takes.
struct Asking {
    order: Arc<Order>,
    hosted: Hosted,
    row_idx: usize,
    wrapper: Wrapper,
    /// What most samples are sent; they hold the same allocation, so it is fed once.
    prompt: Arc<[u32]>,
    user: String,
    stop: Vec<String>,
    column: Arc<Column>,
}

impl Asking {
    /// Renders the prompt, and makes sure that the column does not mix two models.
    fn of(workshop: &Workshop, to_make: &ToMake, hosted: Hosted) -> Result<Self, Unmade> {
        let order = workshop.order.clone();
        let row_idx = order.pack.questions().iter().position(|it| it.id() == to_make.row_id);
        let row_idx = row_idx.ok_or_else(|| Unmade::Run(format!("the pack has no row “{}”", to_make.row_id)))?;
        let (wrapper, seed) = (to_make.wrapper, order.plan.seed.expect("a kept run has one"));
        let asked = order.pack.questions()[row_idx].prompt(wrapper, seed, 0);
        let rendered = hosted.engine.render(&messages(&asked), "").map_err(|err| Unmade::Answers(err.to_string()))?;
        let Prepared { made_with, prompt, stop } = prepared(&hosted, rendered).map_err(Unmade::Answers)?;
        let model = &order.models[to_make.model_idx];
        let kept = to_make.made_with.as_ref();
        if let Some(what) = kept.and_then(|it| it.difference(&made_with)).or_else(|| difference(model, &made_with)) {
            let name = &model.name;
            return Err(Unmade::Run(format!(
                "{what} of {name} changed since this run began; repeat it, so that no rate mixes two models"
            )));
        }
        let column = Arc::new(Column {
            column_id: to_make.column_id,
            comparison: to_make.comparison,
            model_idx: to_make.model_idx,
            is_kept: AtomicBool::new(kept.is_some()),
            made_with: Some(made_with),
        });
        Ok(Self { order, hosted, row_idx, wrapper, prompt, user: asked.user, stop, column })
    }

    fn row(&self) -> &PackQuestion {
        &self.order.pack.questions()[self.row_idx]
    }

    /// Waits where the engine is busy.
    async fn ask(&self, answer: &Waiting) -> Result<Generation, Refused> {
        let request = Request {
            adapter: self.hosted.adapter,
            sampling: sampling(self.order.plan.sampling),
            seed: answer.seed,
            max_tokens: self.order.plan.sampling.max_tokens,
            stop: self.stop.clone(),
            priority: Priority::Bulk,
            ..Request::new(self.prompt_of(answer.sample_idx)?)
        };
        loop {
            match self.hosted.engine.generate(request.clone()) {
                Err(Refused::Busy) => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
    }

    fn prompt_of(&self, sample_idx: u32) -> Result<Arc<[u32]>, Refused> {
        let seed = self.order.plan.seed.expect("a kept run has one");
        let prompt = self.row().prompt(self.wrapper, seed, sample_idx);
        if prompt.user == self.user {
            return Ok(self.prompt.clone());
        }
        let rendered = self.hosted.engine.render(&messages(&prompt), "");
        rendered.map(|it| it.tokens).map_err(|_| Refused::Invalid("the prompt of this sample cannot be made"))
    }
}

/// What is another than when the run's first answer of this model began.
fn difference(then: &domain::RunModel, now: &Provenance) -> Option<&'static str> {
    if then.hash.is_empty() {
        return None;
    }
    let then = Provenance {
        model_hash: then.hash.clone(),
        device: then.device.clone(),
        precision: then.precision.clone(),
        engine: then.engine.clone(),
        prompt: now.prompt.clone(),
    };
    then.difference(now)
}

fn messages(prompt: &domain::Prompt) -> Vec<Message> {
    let system = prompt.system.iter().map(|it| message_of(Speaker::System, it.clone()));
    system.chain([message_of(Speaker::User, prompt.user.clone())]).collect()
}

/// Sees one answer to its end.
struct Follower {
    workshop: Arc<Workshop>,
    asking: Arc<Asking>,
    answer: Waiting,
}

impl Follower {
    async fn follow(self, generation: Result<Generation, String>, place: OwnedSemaphorePermit) {
        let made = {
            let _writing = Writing::begin(&self.workshop.live, &self.asking.column);
            match generation {
                Ok(generation) => self.read(generation).await,
                Err(reason) => Some(self.failed(reason, String::new(), None)),
            }
        };
        // The next one is asked for before this one is kept.
        drop(place);
        if let Some(made) = made {
            let kept = Kept { made, column: self.asking.column.clone() };
            // Where nobody keeps anything any more, the answer goes on waiting.
            let _ = self.workshop.made.send(kept).await;
        }
    }

    /// None where the engine died: that says nothing of the answer, which is made again.
    async fn read(&self, mut generation: Generation) -> Option<Made> {
        let (mut clock, mut text) = (Clock::start(self.answer.seed), String::new());
        loop {
            match generation.next().await.expect("an end always comes before none") {
                Event::Read(_) => {}
                Event::Piece { text: piece, n_tokens, .. } => {
                    text.push_str(&piece);
                    clock.count(n_tokens);
                }
                Event::Finished { reason, n_tokens } => {
                    let facts = Some(clock.count(n_tokens));
                    let check = Some(self.asking.row().check(self.answer.sample_idx, &text));
                    let state = AnswerState::Finished(finish(reason));
                    return Some(Made { id: self.answer.id, state, text, facts, check });
                }
                Event::Failed(_) if self.asking.hosted.engine.has_stopped() => return None,
                Event::Failed(reason) => return Some(self.failed(reason, text, clock.facts)),
            }
        }
    }

    fn failed(&self, reason: String, text: String, facts: Option<domain::Facts>) -> Made {
        Made { id: self.answer.id, state: AnswerState::Failed(reason), text, facts, check: None }
    }
}

/// Counts an answer as being written until it is dropped, however that comes.
struct Writing {
    live: Arc<LiveRun>,
    column: Arc<Column>,
}

impl Writing {
    fn begin(live: &Arc<LiveRun>, column: &Arc<Column>) -> Self {
        live.count_writing(column.comparison, column.model_idx, true);
        Self { live: live.clone(), column: column.clone() }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.live.count_writing(self.column.comparison, self.column.model_idx, false);
    }
}
