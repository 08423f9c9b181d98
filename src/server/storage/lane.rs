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

/// Leaves the line open for the next one when serving it breaks off: those who wait are told, nobody waits for ever.
struct Serving<Q, A>(Arc<Shared<Q, A>>);

impl<Q, A> Drop for Serving<Q, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
            line.served = false;
            line.waiting.clear();
        }
    }
}

async fn serve<Q: Send + Sync, A: Send>(shared: Arc<Shared<Q, A>>) {
    let serving = Serving(shared);
    let shared = &serving.0;
    loop {
        let (questions, askers): (Vec<Q>, Vec<_>) = shared.next_group().into_iter().unzip();
        if questions.is_empty() {
            return;
        }
        match answers(shared, &questions).await {
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
    let answers = (shared.ask)(&mut connection, questions).await?;
    // They find their askers by place: one too many or too few would give people what is somebody else's.
    if answers.len() != questions.len() {
        let why = format!("{} answers to {} questions", answers.len(), questions.len());
        return Err(Fault::Lane { why, temporary: false });
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Doubles numbers; panics at 13, has no answer for 0, and one too many for 99.
    fn double<'c>(_: &'c mut Connection, numbers: &'c [i32]) -> BoxFuture<'c, Result<Vec<i32>, Fault>> {
        async move {
            assert!(!numbers.contains(&13), "a question that panics, on purpose");
            match numbers {
                [0, ..] => Err(Fault::WriterStopped),
                [99, ..] => Ok(vec![1, 2]),
                _ => Ok(numbers.iter().map(|number| number * 2).collect()),
            }
        }
        .boxed()
    }

    #[tokio::test]
    async fn everybody_gets_their_own_answer_and_nobody_waits_for_ever() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        std::fs::write(&file, "").expect("a file");
        let lane = Lane::open(SqliteConnectOptions::new().filename(&file), double).await.expect("a lane");
        let answers = futures_util::future::join_all((1..=12).cycle().take(500).map(|number| lane.ask(number))).await;
        for (number, answer) in (1..=12).cycle().zip(answers) {
            assert_eq!(answer.expect("an answer"), number * 2);
        }
        assert!(matches!(lane.ask(0).await, Err(Fault::Lane { temporary: true, .. })));
        assert!(matches!(lane.ask(99).await, Err(Fault::Lane { temporary: false, .. })));
        assert!(matches!(lane.ask(13).await, Err(Fault::NotRun)));
        assert_eq!(lane.ask(4).await.expect("an answer, after a panic"), 8);
        lane.close().await;
    }
}
