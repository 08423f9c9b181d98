//! Queries, connections and transactions for SQLite and PostgreSQL. Statements have one text that is valid on both; this file is the only
//! one that runs them.

mod cells;

use std::borrow::Cow;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Arguments, Encode, Error, Executor as _, FromRow, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite, Type};

pub(super) use cells::{Cells, ColumnRow};

/// Maximum time to wait for a response from PostgreSQL. sqlx sets no limit and no TCP keepalive: without it a query to a server that has
/// vanished would wait indefinitely.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection taken from a [`Pool`].
pub struct Connection {
    held: Held,
    /// Maximum time to wait for a response of PostgreSQL.
    response_timeout: Duration,
}

enum Held {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    /// Runs statements without values or rows, in one round trip.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<(), Error> {
        let result = match &mut self.held {
            Held::Sqlite(db) => db.execute(sql).await.map(drop),
            Held::Postgres(db) => in_time(self.response_timeout, db.execute(sql)).await.map(drop),
        };
        self.checked(result)
    }

    /// Runs statements of PostgreSQL without values, in one round trip, and returns their rows.
    async fn rows(&mut self, sql: &'static str) -> Result<Vec<PgRow>, Error> {
        let result = match &mut self.held {
            Held::Sqlite(_) => Ok(Vec::new()),
            Held::Postgres(db) => in_time(self.response_timeout, sqlx::raw_sql(sql).fetch_all(&mut **db)).await,
        };
        self.checked(result)
    }

    /// Closes the connection instead of returning it to its pool.
    pub(super) fn discard(&mut self) {
        match &mut self.held {
            Held::Sqlite(db) => db.close_on_drop(),
            Held::Postgres(db) => db.close_on_drop(),
        }
    }

    /// A connection on which a response did not come is not used again.
    fn checked<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(|error| matches!(error, Error::Io(_) | Error::Protocol(_)) || is_closed(error)) {
            self.discard();
        }
        result
    }
}

/// Whether the connection was closed, probably before the request: one that changes nothing can be repeated on another connection. A
/// connection that may have been closed is used without a test, which would be a round trip each time.
pub(super) fn is_closed(error: &Error) -> bool {
    /// `admin_shutdown`, `crash_shutdown` and `idle_session_timeout`, the server's last message.
    const CODES: [&str; 3] = ["57P01", "57P02", "57P05"];
    match error {
        Error::Io(error) => error.kind() != ErrorKind::TimedOut,
        Error::Database(error) => error.code().is_some_and(|code| CODES.contains(&code.as_ref())),
        _ => false,
    }
}

/// The connections for reads; each query sees the last committed state.
#[derive(Clone)]
pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub async fn acquire(&self) -> Result<Connection, Error> {
        let held = match self {
            Self::Sqlite(pool) => Held::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Held::Postgres(pool.acquire().await?),
        };
        Ok(Connection { held, response_timeout: RESPONSE_TIMEOUT })
    }

    /// A transaction for reads, whose queries all see the same state.
    pub(super) async fn snapshot(&self) -> Result<Transaction, Error> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Transaction::begin(self.acquire().await?, begin).await
    }

    /// A transaction for changes, with no other one at the same time.
    ///
    /// SQLite has one writer; `IMMEDIATE` waits for its turn here, not half-way through. On PostgreSQL each takes the same lock first, and
    /// keeps it to its end. It sees what the previous holder committed, because each statement sees the last committed state (READ
    /// COMMITTED). `READ WRITE` is refused by a server that is a standby.
    pub(super) async fn begin_write(&self) -> Result<Transaction, Error> {
        const LOCK: &str = "BEGIN READ WRITE; SELECT pg_advisory_xact_lock(7416, 1);
                            SELECT CAST(pg_current_xact_id() AS TEXT), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";
        match self.acquire().await? {
            connection @ Connection { held: Held::Sqlite(_), .. } => Transaction::begin(connection, "BEGIN IMMEDIATE").await,
            mut connection => {
                let mut rows = connection.rows(LOCK).await;
                if rows.as_ref().is_err_and(is_closed) {
                    // First, because the pool has one.
                    drop(connection);
                    connection = self.acquire().await?;
                    rows = connection.rows(LOCK).await;
                }
                let mut transaction = Transaction { connection, open: true, id: None };
                let id = |row: &PgRow| Ok::<_, Error>(TransactionId { number: row.try_get(0)?, timeline: row.try_get(1)? });
                transaction.id = rows?.last().map(id).transpose()?;
                Ok(transaction)
            }
        }
    }

    /// What became of one of PostgreSQL's transactions: `committed` or `aborted`. It has ended once its lock can be taken. `None` if the
    /// server does not know, or if a standby was promoted meanwhile: it gives the numbers again that it did not receive.
    async fn transaction_status(&self, id: TransactionId) -> Result<Option<String>, Error> {
        let mut transaction = self.begin_write().await?;
        if transaction.id.as_ref().is_none_or(|now| now.timeline != id.timeline) {
            return Ok(None);
        }
        let status = query_scalar("SELECT pg_xact_status(CAST($1 AS xid8))").bind(id.number).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(status)
    }

    /// The time at a database that is a server, in milliseconds since 1970.
    pub(super) async fn clock(&self) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)").fetch_one(self).await.map(Some),
        }
    }

    /// Whether a session of a portal waits for a synchronous standby to confirm its commit.
    pub(super) async fn commits_wait_for_standby(&self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(_) => query_scalar("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep')").fetch_one(self).await,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// An open transaction. Its connection is closed unless [`commit`](Self::commit) succeeds, which rolls it back.
pub(super) struct Transaction {
    connection: Connection,
    open: bool,
    id: Option<TransactionId>,
}

/// A transaction of PostgreSQL that writes.
struct TransactionId {
    /// `pg_current_xact_id`.
    number: String,
    /// The timeline of the server's WAL, which changes when a standby is promoted.
    timeline: String,
}

/// Why a transaction's changes are not known to be stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("{0}")]
    NotCommitted(#[source] Error),
    /// The response to the commit was lost, and what became of the transaction could not be found out.
    #[error("the response to the commit was lost: {0}")]
    Unknown(#[source] Error),
}

impl Transaction {
    /// `begin` is the statement that begins it.
    pub async fn begin(connection: Connection, begin: &'static str) -> Result<Self, Error> {
        let mut transaction = Self { connection, open: true, id: None };
        transaction.run(begin).await?;
        Ok(transaction)
    }

    pub async fn commit(mut self) -> Result<(), Error> {
        self.run("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    /// As [`commit`](Self::commit). If the response is lost, PostgreSQL is asked on a new connection what became of the transaction.
    pub async fn commit_settled(mut self, pool: &Pool) -> Result<(), CommitError> {
        let id = self.id.take();
        match (self.commit().await, id) {
            (Ok(()), _) => Ok(()),
            // The server's own refusal; SQLite has no other.
            (Err(error @ Error::Database(_)), _) | (Err(error), None) => Err(CommitError::NotCommitted(error)),
            (Err(error), Some(id)) => match pool.transaction_status(id).await {
                Ok(Some(status)) if status == "committed" => Ok(()),
                Ok(Some(status)) if status == "aborted" => Err(CommitError::NotCommitted(error)),
                Ok(_) => Err(CommitError::Unknown(error)),
                Err(unavailable) => Err(CommitError::Unknown(unavailable)),
            },
        }
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            self.connection.discard();
        }
    }
}

/// What a query can run on: a connection, or one of a pool.
pub trait Executor<'c>: Send {
    #[doc(hidden)]
    fn target(self) -> Target<'c>;
}

#[doc(hidden)]
pub enum Target<'c> {
    Connection(&'c mut Connection),
    Pool(&'c Pool),
}

impl<'c> Executor<'c> for &'c mut Connection {
    fn target(self) -> Target<'c> {
        Target::Connection(self)
    }
}

impl<'c> Executor<'c> for &'c Pool {
    fn target(self) -> Target<'c> {
        Target::Pool(self)
    }
}

/// A value to bind. NULL has a type, because PostgreSQL requires one. NUL characters, which PostgreSQL's texts cannot have, are replaced by
/// U+FFFD, so that a search for one finds nothing on both databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Integer(Option<i64>),
    Bool(Option<bool>),
    Bytes(Option<Cow<'q, [u8]>>),
}

impl Value<'_> {
    /// The value as both databases can store it.
    pub(super) fn storable(self) -> Self {
        match self {
            Self::Text(Some(text)) if text.contains('\0') => Self::Text(Some(Cow::Owned(text.replace('\0', "\u{fffd}")))),
            other => other,
        }
    }
}

macro_rules! values {
    ($($from:ty, $value:ident => $kind:ident($some:expr);)*) => {$(
        impl<'q> From<$from> for Value<'q> {
            fn from($value: $from) -> Self {
                Self::$kind(Some($some))
            }
        }

        impl<'q> From<Option<$from>> for Value<'q> {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map(|$value| $some))
            }
        }
    )*};
}

values! {
    &'q str, value => Text(Cow::Borrowed(value));
    &'q String, value => Text(Cow::Borrowed(value.as_str()));
    String, value => Text(Cow::Owned(value));
    i64, value => Integer(value);
    u32, value => Integer(value.into());
    bool, value => Bool(value);
    &'q [u8], value => Bytes(Cow::Borrowed(value));
    &'q Vec<u8>, value => Bytes(Cow::Borrowed(value.as_slice()));
    Vec<u8>, value => Bytes(Cow::Owned(value));
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(value: &'q Option<String>) -> Self {
        value.as_ref().into()
    }
}

impl<'q> From<&'q Option<Vec<u8>>> for Value<'q> {
    fn from(value: &'q Option<Vec<u8>>) -> Self {
        value.as_ref().into()
    }
}

fn arguments<'q, A: Arguments>(values: Vec<Value<'q>>) -> Result<A, Error>
where
    Option<&'q str>: Encode<'q, A::Database> + Type<A::Database>,
    Option<String>: Encode<'q, A::Database> + Type<A::Database>,
    Option<i64>: Encode<'q, A::Database> + Type<A::Database>,
    Option<bool>: Encode<'q, A::Database> + Type<A::Database>,
    Option<&'q [u8]>: Encode<'q, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: Encode<'q, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value.storable() {
            Value::Text(Some(Cow::Owned(value))) => arguments.add(Some(value)),
            Value::Text(Some(Cow::Borrowed(value))) => arguments.add(Some(value)),
            Value::Text(None) => arguments.add(None::<&str>),
            Value::Integer(value) => arguments.add(value),
            Value::Bool(value) => arguments.add(value),
            Value::Bytes(Some(Cow::Owned(value))) => arguments.add(Some(value)),
            Value::Bytes(Some(Cow::Borrowed(value))) => arguments.add(Some(value)),
            Value::Bytes(None) => arguments.add(None::<&[u8]>),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}

/// A row that can be read from both databases.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

pub struct Query<'q> {
    sql: SqlStr,
    values: Vec<Value<'q>>,
}

pub struct QueryAs<'q, T> {
    query: Query<'q>,
    row: PhantomData<fn() -> T>,
}

pub struct QueryScalar<'q, T>(QueryAs<'q, (T,)>);

/// A statement that returns no rows.
pub fn query<'q>(sql: impl SqlSafeStr) -> Query<'q> {
    Query { sql: sql.into_sql_str(), values: Vec::new() }
}

/// A statement that returns rows.
pub fn query_as<'q, T>(sql: impl SqlSafeStr) -> QueryAs<'q, T> {
    QueryAs { query: query(sql), row: PhantomData }
}

/// A statement that returns rows of one column.
pub fn query_scalar<'q, T>(sql: impl SqlSafeStr) -> QueryScalar<'q, T> {
    QueryScalar(query_as(sql))
}

/// Waits for a response, at most that long.
pub(super) async fn in_time<T>(limit: Duration, response: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(limit, response).await.unwrap_or_else(|_| Err(Error::Io(ErrorKind::TimedOut.into())))
}

/// Runs a statement on the database of its target: `run!(query, db, query_as_with::<T>, fetch_all)`.
macro_rules! run {
    ($query:expr, $db:expr, $function:ident $(:: <$row:ty>)?, $fetch:ident) => {{
        let Query { sql, values } = $query;
        let mut from_pool;
        let connection = match $db.target() {
            Target::Connection(connection) => connection,
            Target::Pool(pool) => {
                from_pool = pool.acquire().await?;
                &mut from_pool
            }
        };
        let limit = connection.response_timeout;
        let result = match &mut connection.held {
            Held::Sqlite(db) => sqlx::$function$(::<Sqlite, $row, _>)?(sql, arguments::<SqliteArguments>(values)?).$fetch(&mut **db).await.map(From::from),
            Held::Postgres(db) => {
                in_time(limit, sqlx::$function$(::<Postgres, $row, _>)?(sql, arguments::<PgArguments>(values)?).$fetch(&mut **db)).await.map(From::from)
            }
        };
        connection.checked(result)
    }};
}

/// The effect of a statement.
pub struct Done {
    rows_affected: u64,
}

impl Done {
    pub fn rows_affected(&self) -> u64 {
        self.rows_affected
    }
}

impl From<sqlx::sqlite::SqliteQueryResult> for Done {
    fn from(result: sqlx::sqlite::SqliteQueryResult) -> Self {
        Self { rows_affected: result.rows_affected() }
    }
}

impl From<sqlx::postgres::PgQueryResult> for Done {
    fn from(result: sqlx::postgres::PgQueryResult) -> Self {
        Self { rows_affected: result.rows_affected() }
    }
}

impl<'q> Query<'q> {
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds several values, in their order.
    pub fn bind_all(mut self, values: Vec<Value<'q>>) -> Self {
        self.values.extend(values);
        self
    }

    pub async fn execute(self, db: impl Executor<'_>) -> Result<Done, Error> {
        run!(self, db, query_with, execute)
    }
}

impl<'q, T: Row> QueryAs<'q, T> {
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.query = self.query.bind(value);
        self
    }

    pub fn bind_all(mut self, values: Vec<Value<'q>>) -> Self {
        self.query = self.query.bind_all(values);
        self
    }

    pub async fn fetch_all(self, db: impl Executor<'_>) -> Result<Vec<T>, Error> {
        run!(self.query, db, query_as_with::<T>, fetch_all)
    }

    pub async fn fetch_optional(self, db: impl Executor<'_>) -> Result<Option<T>, Error> {
        run!(self.query, db, query_as_with::<T>, fetch_optional)
    }

    pub async fn fetch_one(self, db: impl Executor<'_>) -> Result<T, Error> {
        run!(self.query, db, query_as_with::<T>, fetch_one)
    }
}

impl<'q, T: Send + Unpin> QueryScalar<'q, T>
where
    (T,): Row,
{
    pub fn bind(self, value: impl Into<Value<'q>>) -> Self {
        Self(self.0.bind(value))
    }

    pub fn bind_all(self, values: Vec<Value<'q>>) -> Self {
        Self(self.0.bind_all(values))
    }

    pub async fn fetch_all(self, db: impl Executor<'_>) -> Result<Vec<T>, Error> {
        Ok(self.0.fetch_all(db).await?.into_iter().map(|(value,)| value).collect())
    }

    pub async fn fetch_optional(self, db: impl Executor<'_>) -> Result<Option<T>, Error> {
        Ok(self.0.fetch_optional(db).await?.map(|(value,)| value))
    }

    pub async fn fetch_one(self, db: impl Executor<'_>) -> Result<T, Error> {
        Ok(self.0.fetch_one(db).await?.0)
    }
}
