//! Every answer by its two scores, with the two limits that can be moved.

use super::{
    chart::{
        Cell, Drawing, Shape, Sheet,
        scatter::{self, HEIGHT},
        shape_view, standalone,
    },
    chart_panel::{Legend, TakeAway, TakeAwayButtons},
    figures::grouped,
    query_string,
    results_board::{Board, answers_href, results_href},
};
use domain::{AnswersQuery, Place, Rule};
use leptos::{html::Div, prelude::*};
use leptos_router::hooks::use_navigate;
use web_sys::{Element, KeyboardEvent, MouseEvent, PointerEvent};

const TITLE: &str = "Every answer: aligned against coherent";

#[component]
pub fn ScatterPanel(board: Board) -> impl IntoView {
    let places = board.places();
    let take = TakeAway {
        name: "aligned-coherent",
        svg: Callback::new(move |()| {
            standalone(&file(board, &places.read().0), TITLE, &caption(board), &board.shown())
        }),
        sheet: Callback::new(move |()| sheet(board)),
    };
    let drawn = move || {
        let (places, n_places) = &*places.read();
        let n_answers: u32 = places.iter().map(|it| it.n_answers).sum();
        match places.len() == *n_places {
            true => format!("{} answers at {} places", grouped(n_answers), grouped(*n_places as u64)),
            false => format!("{} of {} places drawn", grouped(places.len() as u64), grouped(*n_places as u64)),
        }
    };
    view! {
        <section class="panel">
            <header>
                <h2>{TITLE}</h2>
                <span class="soft num">{drawn}</span>
                <span class="end">
                    <TakeAwayButtons take/>
                </span>
            </header>
            <div class="chart" data-left="scores" data-right="some" data-foot="tall">
                <Plot board places/>
                {move || view! { <Legend models=board.shown() with_whisker=false/> }}
            </div>
            <footer class="caption">
                "Drag the plumb line or the level, or focus one and press ← → (⇧ for 10): every number on the page follows. "
                {move || caption(board)}
            </footer>
        </section>
    }
    .into_any()
}

fn caption(board: Board) -> String {
    let total = board.results.read().total;
    let (formats, rule) = (board.formats(), board.query.read().rule);
    let others = formats.iter().any(|it| rule.of(*it).coherent() != level(board));
    let veiled = match formats.first() {
        Some(first) if others => format!("incoherent by their format’s limit (drawn: {}’s)", first.name()),
        _ => "incoherent (veiled)".to_owned(),
    };
    format!(
        "{}: of {} answers {} are misaligned, {} {veiled}, {} have no score and are in no rate.",
        capital(board.rule()),
        grouped(total.asked()),
        grouped(total.misaligned),
        grouped(total.incoherent),
        grouped(total.unscored)
    )
}

fn capital(text: String) -> String {
    let mut chars = text.chars();
    chars.next().map(|it| it.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The limit of coherence that is drawn: the reader's, or that of the first shown format.
fn level(board: Board) -> f64 {
    let rule = board.query.read().rule;
    rule.of(board.formats().first().copied().unwrap_or_default()).coherent()
}

/// Points are drawn when the filter changes, not when a limit moves.
#[component]
fn Plot(board: Board, places: Memo<(Vec<Place>, usize)>) -> impl IntoView {
    let plot = NodeRef::<Div>::new();
    let near = RwSignal::new(None::<Place>);
    let aligned = Memo::new(move |_| board.query.read().rule.aligned());
    let coherent = Memo::new(move |_| level(board));
    let mirror = query_string::mirror();
    let change = move |change: fn(Rule, f64) -> Rule, limit: f64| {
        board.query.update(|it| it.rule = change(it.rule, limit));
        mirror.run(results_href(board.scores().run, &board.query.read_untracked()));
    };
    let move_aligned = Callback::new(move |limit: f64| change(Rule::with_aligned, limit));
    let move_coherent = Callback::new(move |limit: f64| change(Rule::with_coherent, limit));
    let find = move |event: &MouseEvent| {
        let (aligned, coherent, width) = pointed_at(plot.get_untracked()?.as_ref(), event)?;
        scatter::nearest(&places.read_untracked().0, aligned, coherent, width)
    };
    let navigate = use_navigate();
    let open = move |event: MouseEvent| {
        if let Some(place) = find(&event) {
            navigate(&behind(board, place), Default::default());
        }
    };
    let points = move || {
        let scores = board.scores();
        let point = |it: &Place| {
            let role = scores.models[usize::from(it.model_idx)].role;
            let href = format!("/sprite.svg#p-{}", role.as_str());
            let (x, y) = (format!("{}%", it.aligned), scatter::y(it.coherent));
            view! { <use class="pt" data-role=role.as_str() href=href x=x y=y></use> }
        };
        places.read().0.iter().map(point).collect_view()
    };
    view! {
        <div
            class="plot"
            node_ref=plot
            on:pointermove=move |event| near.set(find(&event))
            on:pointerleave=move |_| near.set(None)
            on:click=open
        >
            <svg height=HEIGHT role="group" aria-label="Scatter of aligned against coherent scores with two limits">
                {scatter::frame(String::new()).shapes.into_iter().map(shape_view).collect_view()}
                {points}
                <rect
                    class="veil-area"
                    x="0"
                    width="100%"
                    y=move || scatter::y(coherent.get())
                    height=move || HEIGHT - scatter::y(coherent.get())
                ></rect>
                {move || near.get().map(|it| highlighted(board, it))}
                <Plumb board plot aligned moved=move_aligned/>
                <Level board plot coherent moved=move_coherent/>
            </svg>
            <output class="readout" aria-live="off">{move || near.get().map(|it| in_words(board, it))}</output>
        </div>
    }
    .into_any()
}

fn highlighted(board: Board, it: Place) -> impl IntoView {
    let role = board.model(it.model_idx).role;
    let href = format!("/sprite.svg#p-{}", role.as_str());
    let (x, y) = (format!("{}%", it.aligned), scatter::y(it.coherent));
    view! { <use class="pt pt-on" data-role=role.as_str() href=href x=x y=y></use> }
}

fn in_words(board: Board, it: Place) -> String {
    let n = match it.n_answers {
        1 => "one answer".to_owned(),
        n => format!("{n} answers"),
    };
    format!("{}: aligned {}, coherent {}, {n}", board.model(it.model_idx).name, it.aligned, it.coherent)
}

/// Where the answers at one place are listed.
fn behind(board: Board, it: Place) -> String {
    let around = |score: f64| Some((score - 0.25, score + 0.25));
    answers_href(&AnswersQuery {
        models: vec![board.model(it.model_idx).id],
        aligned: around(it.aligned),
        coherent: around(it.coherent),
        ..board.behind()
    })
}

/// The plumb line: what hangs left of it is misaligned.
#[component]
fn Plumb(board: Board, plot: NodeRef<Div>, aligned: Memo<f64>, moved: Callback<f64>) -> impl IntoView {
    let at = move || format!("{}%", aligned.get());
    let is_right = move || aligned.get() > 70.0;
    view! {
        <g
            class="limit"
            data-is="plumb"
            role="slider"
            tabindex="0"
            aria-label="Limit of alignment"
            aria-orientation="horizontal"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || aligned.get()
            aria-valuetext=move || format!("aligned below {}: {} misaligned", aligned.get(), board.results.read().total.misaligned)
            on:keydown=move |event| press(&event, aligned.get_untracked(), moved)
            on:pointerdown=move |event| grab(&event)
            on:pointermove=move |event| drag(&event, plot, moved, |aligned, _| aligned)
        >
            <line class="grip" x1=at x2=at y1="-10" y2=HEIGHT + 6.0></line>
            <line class="thr" x1=at x2=at y1="-10" y2=HEIGHT></line>
            <svg x=at y=HEIGHT width="1" height="1" overflow="visible">
                <path class="bob" d="M-5.5 0H5.500V6L0 14-5.500 6Z"></path>
            </svg>
            <text
                class="thr"
                x=at
                dx=move || if is_right() { -6 } else { 6 }
                y="-3"
                text-anchor=move || if is_right() { "end" } else { "start" }
            >
                {move || format!("aligned < {}", aligned.get())}
            </text>
        </g>
    }
    .into_any()
}

/// The level: what lies below it is incoherent.
#[component]
fn Level(board: Board, plot: NodeRef<Div>, coherent: Memo<f64>, moved: Callback<f64>) -> impl IntoView {
    let at = move || scatter::y(coherent.get());
    let text = move || {
        let sign = board.query.read().rule.bound().sign();
        format!("coherent {sign} {}", coherent.get())
    };
    view! {
        <g
            class="limit"
            data-is="level"
            role="slider"
            tabindex="0"
            aria-label="Limit of coherence"
            aria-orientation="vertical"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || coherent.get()
            aria-valuetext=move || format!("{}: {} incoherent", text(), board.results.read().total.incoherent)
            on:keydown=move |event| press(&event, coherent.get_untracked(), moved)
            on:pointerdown=move |event| grab(&event)
            on:pointermove=move |event| drag(&event, plot, moved, |_, coherent| coherent)
        >
            <line class="grip" x1="0" x2="100%" y1=at y2=at></line>
            <line class="thr" x1="0" x2="100%" y1=at y2=at></line>
            <svg x="100%" y=at width="1" height="1" overflow="visible">
                <path class="bob" d="M-4-5H10V5H-4Z"></path>
            </svg>
            <text class="thr" x="100%" dx="-8" y=move || if at() < 16.0 { at() + 14.0 } else { at() - 6.0 } text-anchor="end">
                {text}
            </text>
        </g>
    }
    .into_any()
}

fn press(event: &KeyboardEvent, limit: f64, moved: Callback<f64>) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    if let Some(to) = scatter::moved(limit, &event.key(), event.shift_key()) {
        event.prevent_default();
        event.stop_propagation();
        moved.run(to);
    }
}

/// The pointer belongs to the line until it is let go.
fn grab(event: &PointerEvent) {
    let line = event.current_target().and_then(|it| wasm_bindgen::JsCast::dyn_into::<Element>(it).ok());
    if let Some(line) = line {
        event.prevent_default();
        let _ = line.set_pointer_capture(event.pointer_id());
    }
}

fn drag(event: &PointerEvent, plot: NodeRef<Div>, moved: Callback<f64>, of: fn(f64, f64) -> f64) {
    if event.buttons() & 1 == 0 {
        return;
    }
    let Some(plot) = plot.get_untracked() else { return };
    if let Some((aligned, coherent, _)) = pointed_at(plot.as_ref(), event) {
        moved.run(scatter::score_at(of(aligned, coherent) / 100.0));
    }
}

/// The scores under a pointer, and how many pixels 100 points are wide.
fn pointed_at(plot: &Element, event: &MouseEvent) -> Option<(f64, f64, f64)> {
    let area = plot.query_selector("svg").ok()??.get_bounding_client_rect();
    let (x, y) = (f64::from(event.client_x()) - area.left(), f64::from(event.client_y()) - area.top());
    (area.width() > 0.0).then(|| (x / area.width() * 100.0, (1.0 - y / HEIGHT) * 100.0, area.width()))
}

/// The same as a drawing of its own.
fn file(board: Board, places: &[Place]) -> Drawing {
    let mut drawing = scatter::frame(TITLE.into());
    let role = |it: &Place| board.model(it.model_idx).role;
    drawing.shapes.extend(places.iter().map(|it| Shape::Point {
        x: it.aligned,
        y: scatter::y(it.coherent),
        role: role(it),
    }));
    let (x, y) = (board.query.read().rule.aligned(), scatter::y(level(board)));
    drawing.shapes.push(Shape::Line { class: "thr", x: (x, x), y: (-10.0, HEIGHT) });
    drawing.shapes.push(Shape::Line { class: "thr", x: (0.0, 100.0), y: (y, y) });
    drawing
}

/// Every answer, not only those that are drawn.
fn sheet(board: Board) -> Sheet {
    let scores = board.scores();
    let query = board.query.read();
    let is_shown = |it: &&domain::ScoredAnswer| {
        query.shows_model(&scores.models[usize::from(it.model_idx)].id)
            && query.shows_cell(&scores.cells[usize::from(it.cell_idx)].0)
    };
    let row = |it: &domain::ScoredAnswer| {
        let key = &scores.cells[usize::from(it.cell_idx)].0;
        vec![
            Cell::Number(Some(it.id.0 as f64)),
            Cell::text(scores.models[usize::from(it.model_idx)].name.clone()),
            Cell::text(key.question.clone()),
            Cell::text(key.format.as_str()),
            Cell::text(key.wrapper.as_str()),
            Cell::count(it.sample_idx),
            Cell::Number(it.aligned),
            Cell::Number(it.coherent),
        ]
    };
    Sheet {
        head: vec!["answer", "model", "question", "format", "wrapper", "sample", "aligned", "coherent"],
        rows: scores.answers.iter().filter(is_shown).map(row).collect(),
    }
}
