//! A read connection with one query for all callers that ask at the same time (as in DataLoader). Under load this saves most of the round
//! trips to the database; a single query is not delayed. Callers with the same question share its answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::sql::{self, Pool};
use super::{Connection, Error, FailureKind, SharedFailure};

/// Maximum number of questions per query. With more, the first would wait for the rows of the last.
const MAX_BATCH: usize = 64;

/// Answers questions, in their order.
type BatchQuery<Q, A> = for<'c> fn(&'c mut Connection, &'c [Q]) -> BoxFuture<'c, Result<Vec<A>, Error>>;

pub struct BatchedReader<Q, A> {
    shared: Arc<ReaderInner<Q, A>>,
}

impl<Q, A> Clone for BatchedReader<Q, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct ReaderInner<Q, A> {
    runtime: Handle,
    pool: Pool,
    query: BatchQuery<Q, A>,
    queue: Mutex<ReadQueue<Q, A>>,
}

struct ReadQueue<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<Result<A, Error>>)>,
    serving: bool,
}

impl<Q: Eq + Hash + Send + Sync + 'static, A: Clone + Send + 'static> BatchedReader<Q, A> {
    /// The pool has one connection. The queries of all callers run on `runtime`, because it drives the connection.
    pub fn start((runtime, pool): (Handle, Pool), query: BatchQuery<Q, A>) -> Self {
        Self { shared: Arc::new(ReaderInner { runtime, pool, query, queue: Mutex::new(ReadQueue { waiting: Vec::new(), serving: false }) }) }
    }

    /// The answer as of now.
    pub async fn read(&self, question: Q) -> Result<A, Error> {
        let (answer, answered) = oneshot::channel();
        if self.shared.enqueue(question, answer) {
            // In its own task: the others must be answered even if this caller stops waiting.
            self.shared.runtime.spawn(serve(Arc::clone(&self.shared)));
        }
        answered.await.map_err(|_| Error::NotRun)?
    }

    pub async fn close(&self) {
        self.shared.pool.close().await;
    }
}

impl<Q, A> ReaderInner<Q, A> {
    /// True if no task serves the queue, so the caller has to start one.
    fn enqueue(&self, question: Q, answer: oneshot::Sender<Result<A, Error>>) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push((question, answer));
        !std::mem::replace(&mut queue.serving, true)
    }

    fn next_batch(&self) -> Vec<(Q, oneshot::Sender<Result<A, Error>>)> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let length = queue.waiting.len().min(MAX_BATCH);
        queue.serving = length > 0;
        queue.waiting.drain(..length).collect()
    }
}

/// Marks the queue as unserved when its task stops early; callers that wait get an error rather than waiting indefinitely.
struct ServeGuard<Q, A>(Arc<ReaderInner<Q, A>>);

impl<Q, A> Drop for ServeGuard<Q, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.serving = false;
            queue.waiting.clear();
        }
    }
}

async fn serve<Q: Eq + Hash + Send + Sync, A: Clone + Send>(shared: Arc<ReaderInner<Q, A>>) {
    let serving = ServeGuard(shared);
    let shared = &serving.0;
    loop {
        let mut asked: HashMap<Q, Vec<_>> = HashMap::new();
        for (question, asker) in shared.next_batch() {
            asked.entry(question).or_default().push(asker);
        }
        if asked.is_empty() {
            return;
        }
        let (questions, askers): (Vec<Q>, Vec<Vec<oneshot::Sender<_>>>) = asked.into_iter().unzip();
        match run_batch(shared, &questions).await {
            Ok(answers) => {
                for (askers, answer) in askers.into_iter().zip(answers) {
                    askers.into_iter().for_each(|asker| drop(asker.send(Ok(answer.clone()))));
                }
            }
            Err(fault) => {
                let failure = SharedFailure { why: fault.to_string(), kind: fault.kind() };
                askers.into_iter().flatten().for_each(|asker| drop(asker.send(Err(Error::BatchedRead(failure.clone())))));
            }
        }
    }
}

async fn run_batch<Q, A>(shared: &ReaderInner<Q, A>, questions: &[Q]) -> Result<Vec<A>, Error> {
    let mut connection = shared.pool.acquire().await?;
    let mut answers = (shared.query)(&mut connection, questions).await;
    if matches!(&answers, Err(Error::Database(error)) if sql::is_closed(error)) {
        // First, because the pool has one.
        drop(connection);
        connection = shared.pool.acquire().await?;
        answers = (shared.query)(&mut connection, questions).await;
    }
    let answers = answers?;
    // Answers are matched by position: a wrong number of them would give callers each other's data.
    if answers.len() != questions.len() {
        let why = format!("{} answers to {} questions", answers.len(), questions.len());
        return Err(Error::BatchedRead(SharedFailure { why, kind: FailureKind::Permanent }));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::runtime::Id;

    use super::*;

    /// Doubles numbers; panics at 13, returns an error for 0 and one too many for 99.
    fn double<'c>(_: &'c mut Connection, numbers: &'c [i32]) -> BoxFuture<'c, Result<Vec<i32>, Error>> {
        async move {
            assert!(!numbers.contains(&13), "a question that panics, on purpose");
            match numbers {
                [0, ..] => Err(Error::WriterStopped),
                [99, ..] => Ok(vec![1, 2]),
                _ => Ok(numbers.iter().map(|number| number * 2).collect()),
            }
        }
        .boxed()
    }

    #[tokio::test]
    async fn every_caller_gets_its_own_answer_or_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        std::fs::write(&file, "").expect("a file");
        let pool = super::super::sqlite::writer(&file).await.expect("a connection");
        let reader = BatchedReader::start((Handle::current(), pool), double);
        let answers = futures_util::future::join_all((1..=12).cycle().take(500).map(|number| reader.read(number))).await;
        for (number, answer) in (1..=12).cycle().zip(answers) {
            assert_eq!(answer.expect("an answer"), number * 2);
        }
        let kind = |answer: Result<i32, Error>| answer.map_err(|error| error.kind());
        assert_eq!(kind(reader.read(0).await), Err(FailureKind::Temporary));
        assert_eq!(kind(reader.read(99).await), Err(FailureKind::Permanent));
        assert!(matches!(reader.read(13).await, Err(Error::NotRun)));
        assert_eq!(reader.read(4).await.expect("an answer, after a panic"), 8);
        reader.close().await;
    }

    /// Asks once, on another runtime.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn queries_run_on_the_runtime_that_opened_the_database() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        std::fs::write(&file, "").expect("a file");
        let pool = super::super::sqlite::writer(&file).await.expect("a connection");
        let query: BatchQuery<(), Id> = |_, questions| async move { Ok(vec![Handle::current().id(); questions.len()]) }.boxed();
        let reader = BatchedReader::start((Handle::current(), pool), query);
        let asking = reader.clone();
        let elsewhere = std::thread::spawn(move || {
            let other = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            other.block_on(asking.read(())).expect("an answer")
        });
        let ran_on = tokio::task::spawn_blocking(|| elsewhere.join().expect("no panic")).await.expect("no panic");
        assert_eq!(ran_on, Handle::current().id());
        reader.close().await;
    }
}
