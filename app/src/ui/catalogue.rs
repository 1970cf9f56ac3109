//! What the pages know of the hosted models.

use crate::{api, backend::ApiError};
use domain::{Hosted, ModelCard};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// Shared by all pages, so that one that follows another has not to ask again before it can be drawn.
#[derive(Clone, Copy)]
pub struct Catalogue {
    /// Every model; none before a page that may name them was shown.
    pub models: RwSignal<Option<Vec<ModelCard>>>,
    /// All together, also where none may be named.
    pub hosted: Resource<Result<Hosted, ApiError>>,
}

impl Catalogue {
    pub fn new() -> Self {
        let catalogue = Self { models: RwSignal::new(None), hosted: Resource::new(|| (), |()| api::hosted()) };
        Effect::new(move |_| catalogue.watch_hosted());
        catalogue
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// Asks for the models while they are not known, or one of them is being loaded. Only in the browser.
    pub fn watch_models(self) {
        let pause = match &*self.models.read() {
            None => Duration::ZERO,
            Some(models) if models.iter().any(|it| it.state.is_coming()) => PAUSE,
            Some(_) => return,
        };
        set_timeout(move || spawn_local(self.load_models()), pause);
    }

    async fn load_models(self) {
        if let Ok(models) = api::models().await {
            self.models.set(Some(models));
        }
    }

    /// Asks for the whole again while a part of it is being loaded.
    fn watch_hosted(self) {
        if matches!(self.hosted.get(), Some(Ok(hosted)) if hosted.n_loading > 0) {
            set_timeout(move || self.hosted.refetch(), PAUSE);
        }
    }
}

const PAUSE: Duration = Duration::from_secs(2);
