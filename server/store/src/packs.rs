//! Packs of questions: imported ones, and whatever a run has asked. Only ever added.

use crate::{Db, Error, now};
use domain::{Pack, PackId};
use sha2::{Digest as _, Sha256};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// SHA-256 of the pack's canonical text, in hexadecimal.
pub fn hash(pack: &Pack) -> String {
    sha256(&pack.canonical())
}

/// SHA-256 of a text in UTF-8, in hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a pack under its id: as the version after the newest one there, or not at all where that one asks the same.
/// Returns what is kept now.
pub async fn insert(db: &Db, pack: Pack) -> Result<Pack, Error> {
    let mut tx = db.write().await?;
    let slug = pack.heading().id.clone();
    let newest = match newest_within(&mut tx, &slug).await? {
        Some(newest) => Some(newest),
        None => Some(Pack::main_questions()).filter(|it| it.heading().id == slug),
    };
    let pack = match newest {
        Some(newest) if newest.has_content_of(&pack) => return Ok(newest),
        Some(newest) => {
            let heading = domain::Heading { version: newest.heading().version + 1, ..pack.heading().clone() };
            pack.under(heading).map_err(|err| Error::Refused(err.to_string()))?
        }
        None => pack,
    };
    insert_within(&mut tx, &pack).await?;
    tx.commit().await?;
    Ok(pack)
}

/// Every pack in its newest version, by id. The one that is always there is among them only once a run has asked it.
pub async fn newest(db: &Db) -> Result<Vec<Pack>, Error> {
    let rows = sqlx::query(
        "select content from packs
         where version = (select max(version) from packs as others where others.slug = packs.slug)
         order by slug",
    )
    .fetch_all(&db.reader)
    .await?;
    rows.iter().map(pack).collect()
}

/// The pack of this version, or the newest of this id.
pub async fn get(db: &Db, slug: &str, version: Option<u32>) -> Result<Option<Pack>, Error> {
    let row = sqlx::query(
        "select content from packs where slug = $1 and ($2 is null or version = $2) order by version desc limit 1",
    )
    .bind(slug)
    .bind(version)
    .fetch_optional(&db.reader)
    .await?;
    row.as_ref().map(pack).transpose()
}

/// The pack's number; it is kept if it is not yet. Refused where another content has its id and version.
pub(crate) async fn id_of(tx: &mut SqliteConnection, pack: &Pack) -> Result<i64, Error> {
    let PackId { id, version } = pack.pack_id();
    let row = sqlx::query("select id, hash from packs where slug = $1 and version = $2")
        .bind(&id)
        .bind(version)
        .fetch_optional(&mut *tx)
        .await?;
    match row {
        Some(row) if row.try_get::<String, _>("hash")? == hash(pack) => Ok(row.try_get("id")?),
        Some(_) => {
            Err(Error::Refused(format!("another pack is kept as {}; import this one as a new version", pack.pack_id())))
        }
        None => insert_within(tx, pack).await,
    }
}

async fn newest_within(tx: &mut SqliteConnection, slug: &str) -> Result<Option<Pack>, Error> {
    let row = sqlx::query("select content from packs where slug = $1 order by version desc limit 1")
        .bind(slug)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(pack).transpose()
}

async fn insert_within(tx: &mut SqliteConnection, pack: &Pack) -> Result<i64, Error> {
    let id = sqlx::query_scalar(
        "insert into packs (slug, version, title, content, hash, created_at)
         values ($1, $2, $3, $4, $5, $6)
         returning id",
    )
    .bind(&pack.heading().id)
    .bind(pack.heading().version)
    .bind(&pack.heading().title)
    .bind(serde_json::to_string(pack).expect("texts and numbers have a JSON form"))
    .bind(hash(pack))
    .bind(now().0)
    .fetch_one(tx)
    .await?;
    Ok(id)
}

fn pack(row: &SqliteRow) -> Result<Pack, Error> {
    let content: String = row.try_get("content")?;
    serde_json::from_str(&content).map_err(|err| Error::Corrupt { what: "pack", value: err.to_string() })
}
