//! The database file: one writer, many readers.

use crate::Error;
use domain::Timestamp;
use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

/// A handle to the open database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(crate) reader: SqlitePool,
    /// One connection, so writers queue here instead of meeting "database is locked".
    writer: SqlitePool,
}

impl Db {
    /// Opens `plumbline.db` in `folder`, making both where they are missing, and brings its schema up to date.
    pub async fn open(folder: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Folder { folder: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let path = folder.join("plumbline.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL this alone keeps every acknowledged commit through a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // On a full disk SQLite itself takes the transaction back, and the connection is never told: it would take every
            // later one for a part of that one, and refuse it.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        migrate(&writer, &path.display().to_string()).await?;
        let reader = SqlitePoolOptions::new().max_connections(8).connect_with(options.read_only(true)).await?;
        Ok(Self { reader, writer })
    }

    /// A transaction that holds the write lock from its first statement, so that what it reads stays true until it commits.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    /// The next transaction that needs more room finds none, as on a full disk: to see what happens then.
    pub async fn fill_up(&self) -> Result<(), Error> {
        let n_pages: i64 = sqlx::query_scalar("pragma page_count").fetch_one(&self.writer).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("pragma max_page_count = {n_pages}"))).execute(&self.writer).await?;
        Ok(())
    }

    /// Waits for open transactions and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The right to serve a data folder, which one process at a time has. Given back when it is dropped or the process ends.
pub struct FolderLock(#[expect(dead_code, reason = "it is held, not read")] File);

impl FolderLock {
    /// Makes the folder where it is missing.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Folder { folder: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let file = File::create(folder.join("plumbline.lock")).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

async fn migrate(writer: &SqlitePool, path: &str) -> Result<(), Error> {
    sqlx::migrate!("./migrations").run(writer).await.map_err(|err| match err {
        MigrateError::VersionMissing(version) => Error::NewerSchema { path: path.to_owned(), version },
        source => Error::Migration { path: path.to_owned(), source },
    })
}

/// This moment, by the system's clock.
pub fn now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_millis()).expect("the clock stands before the year 292,000,000"))
}

#[cfg(test)]
mod tests;
