-- How likely the model found each token of an answer, beside the answer: it is ten times as large and seldom asked for.

create table answer_scores (
    answer_id integer primary key references answers (id),
    -- What `scores` looks like. 1: a JSON array with [[token, ln p], [[token, ln p], …]] for each token, the likeliest in its
    -- place after the one that was drawn. A token is a text, or an array of bytes where it is only a part of a character.
    version integer not null,
    scores text not null,
    created_at integer not null
) strict;
