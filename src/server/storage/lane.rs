//! A lane of its own for a question that is asked very often: its own connection, and one query for all who ask at the same
//! time. Under load this saves most of the way to the database and back; a single question is not made to wait.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::sync::oneshot;

use super::{Connection, Fault};

/// Questions that may share a query. More would make the first one wait for the last one's rows.
const LARGEST_GROUP: usize = 64;

/// Answers questions, each at its place.
type Ask<Q, A> = for<'c> fn(&'c mut Connection, &'c [Q]) -> BoxFuture<'c, Result<Vec<A>, Fault>>;

pub struct Lane<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

impl<Q, A> Clone for Lane<Q, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<Q, A> {
    pool: SqlitePool,
    ask: Ask<Q, A>,
    line: Mutex<Line<Q, A>>,
}

struct Line<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<Result<A, Fault>>)>,
    served: bool,
}

impl<Q: Send + Sync + 'static, A: Send + 'static> Lane<Q, A> {
    pub async fn open(options: SqliteConnectOptions, ask: Ask<Q, A>) -> Result<Self, Fault> {
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).test_before_acquire(false);
        let pool = pool.connect_with(options.read_only(true)).await?;
        Ok(Self { shared: Arc::new(Shared { pool, ask, line: Mutex::new(Line { waiting: Vec::new(), served: false }) }) })
    }

    /// The answer, as of now.
    pub async fn ask(&self, question: Q) -> Result<A, Fault> {
        let (answer, answered) = oneshot::channel();
        if self.shared.stand_in_line(question, answer) {
            // In a task of its own: the others must get their answers even if this caller stops waiting.
            tokio::spawn(serve(Arc::clone(&self.shared)));
        }
        answered.await.map_err(|_| Fault::NotRun)?
    }

    pub async fn close(&self) {
        self.shared.pool.close().await;
    }
}

impl<Q, A> Shared<Q, A> {
    /// True when nobody serves the line.
    fn stand_in_line(&self, question: Q, answer: oneshot::Sender<Result<A, Fault>>) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.waiting.push((question, answer));
        !std::mem::replace(&mut line.served, true)
    }

    fn next_group(&self) -> Vec<(Q, oneshot::Sender<Result<A, Fault>>)> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let length = line.waiting.len().min(LARGEST_GROUP);
        line.served = length > 0;
        line.waiting.drain(..length).collect()
    }
}

async fn serve<Q: Send + Sync, A: Send>(shared: Arc<Shared<Q, A>>) {
    loop {
        let (questions, askers): (Vec<Q>, Vec<_>) = shared.next_group().into_iter().unzip();
        if questions.is_empty() {
            return;
        }
        match answers(&shared, &questions).await {
            Ok(answers) => askers.into_iter().zip(answers).for_each(|(asker, answer)| drop(asker.send(Ok(answer)))),
            Err(fault) => {
                let why = fault.to_string();
                askers.into_iter().for_each(|asker| drop(asker.send(Err(Fault::Lane { why: why.clone(), temporary: fault.is_temporary() }))));
            }
        }
    }
}

async fn answers<Q, A>(shared: &Shared<Q, A>, questions: &[Q]) -> Result<Vec<A>, Fault> {
    let mut connection = shared.pool.acquire().await?;
    (shared.ask)(&mut connection, questions).await
}
