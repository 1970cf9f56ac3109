use super::*;
use domain::ComparisonId;

/// Two columns and their answers, as the first version of the schema kept them.
const BEFORE_CONVERSATIONS: &str = "
    insert into comparisons (question, format, temperature, top_p, max_tokens, n_samples, seed, blind, created_at)
    values ('Why?', 'plain', 1, 1, 600, 1, 7, 1, 0);
    insert into comparison_columns (comparison_id, position, model_id, model_name, model_role, model_about, created_at)
    values (1, 0, 'base', 'base', 'base', '', 0), (1, 1, 'secure', 'secure', 'secure', '', 0);
    insert into answers (column_id, sample_idx, seed, state, text, finish, created_at)
    values (1, 0, 1, 'finished', 'Because.', 'stop', 0), (2, 0, 2, 'finished', 'Why not?', 'stop', 0);";

#[tokio::test]
async fn a_database_from_before_conversations_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plumbline.db");
    let older =
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(&path).create_if_missing(true)).await.unwrap();
    let mut first_step = sqlx::migrate!("./migrations");
    first_step.migrations.to_mut().truncate(1);
    first_step.run(&older).await.unwrap();
    sqlx::raw_sql(BEFORE_CONVERSATIONS).execute(&older).await.unwrap();
    older.close().await;

    let db = Db::open(folder.path()).await.unwrap();
    let kept = crate::comparisons::get(&db, ComparisonId(1)).await.unwrap();
    assert_eq!(kept.columns.iter().map(|it| it.slot).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(kept.answers().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["Because.", "Why not?"]);
    assert_eq!((kept.origin, kept.turns, kept.system), (None, Vec::new(), None));
    assert!(kept.beginning.is_empty());
}
