-- Runs: the questions of a pack, asked of several models many times, and judged. A run is kept as comparisons, one for each
-- question, format and wrapper, so that each cell can be read, labelled and gone on from like any other comparison.

-- Packs as they were imported or first asked. One that a run has used is never changed, only succeeded by a new version.
create table packs (
    id integer primary key autoincrement,
    slug text not null,
    version integer not null,
    title text not null,
    -- JSON of the whole pack, its heading included.
    content text not null,
    -- SHA-256 of the canonical text, in hexadecimal.
    hash text not null,
    created_at integer not null,
    unique (slug, version)
) strict;

-- All that is needed to do the same again.
create table runs (
    id integer primary key autoincrement,
    title text not null,
    -- Null for imported answers, which asked no pack that is known here.
    pack_id integer references packs (id),
    pack_slug text not null,
    pack_version integer not null,
    pack_hash text not null,
    -- JSON arrays: ids of rows, words of wrappers.
    row_ids text not null,
    wrappers text not null,
    temperature real not null,
    top_p real not null,
    max_tokens integer not null,
    seed integer not null,
    n_samples integer not null,
    -- queued, running, paused, finished or cancelled; why it is paused, where it was not a person who did that.
    state text not null,
    reason text,
    -- How long answers were being written, all in all, and how many tokens: for the estimates of later runs.
    active_ms integer not null default 0,
    n_tokens integer not null default 0,
    -- Counted along in the transactions that change them, for the list of runs.
    n_answers integer not null default 0,
    n_finished integer not null default 0,
    n_failed integer not null default 0,
    started_at integer,
    ended_at integer,
    created_at integer not null,
    check (reason is null or state = 'paused')
) strict;

create index runs_to_do on runs (state) where state in ('queued', 'running');

-- The models of a run in their order, as they were when their first answer began; null before.
create table run_models (
    run_id integer not null references runs (id),
    position integer not null,
    model_id text not null,
    name text not null,
    role text not null,
    about text not null,
    model_hash text,
    device text,
    precision text,
    engine text,
    created_at integer not null,
    primary key (run_id, position),
    unique (run_id, model_id)
) strict;

create table run_judges (
    run_id integer not null references runs (id),
    position integer not null,
    judge text not null,
    created_at integer not null,
    primary key (run_id, position),
    unique (run_id, judge)
) strict;

-- What happened, for people to read.
create table run_events (
    id integer primary key autoincrement,
    run_id integer not null references runs (id),
    is_failure integer not null,
    what text not null,
    created_at integer not null
) strict;

create index run_events_of_run on run_events (run_id, id);

-- The cell that a comparison is; null for all that people asked one by one.
alter table comparisons add column run_id integer references runs (id);
alter table comparisons add column row_id text check ((row_id is null) = (run_id is null));
alter table comparisons add column wrapper text check ((wrapper is null) = (run_id is null));
create unique index comparisons_of_run on comparisons (run_id, row_id, wrapper) where run_id is not null;

-- The user message word for word. Null where it is what the format makes of the question; where there is one, `system` is
-- all of the system message and not a reviewer's own.
alter table comparisons add column message text;

-- The same for one sample, where it is another than that of its comparison: drawn by a wrapper, or another wording.
alter table answers add column message text;

-- What judges said of answers. One that could not be asked is kept too, and can be asked again.
create table judgements (
    id integer primary key autoincrement,
    answer_id integer not null references answers (id),
    judge text not null,
    key text not null,
    -- From 0 to 100; null where the judge gave no number.
    score real,
    -- What stands for a score that is none: SQLite keeps a NaN as null, and that would be the same as no score.
    not_finite text check (not_finite in ('NaN', 'inf', '-inf')),
    word text,
    numeric_mass real,
    -- SHA-256 of what it was asked, in hexadecimal; null for imported judgements.
    prompt_hash text,
    -- Why it could not be asked; then it said nothing.
    error text,
    created_at integer not null,
    unique (answer_id, judge, key),
    check (score is null or not_finite is null),
    check (error is null or (score is null and not_finite is null and word is null))
) strict;
