//! A separate runtime for pages. Key lookups by hosts do not queue behind page loads: they have the other threads, and those of pages have
//! a lower priority.

use std::panic::resume_unwind;
use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use super::unavailable::unavailable;
use crate::server::request_id;

/// Scheduling priority of these threads (`nice`): they yield to others that want the same core.
const NICENESS: i32 = 10;

/// Threads that these start, such as Leptos' renderers, inherit the priority.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let made = Builder::new_multi_thread().thread_name("pages").on_thread_start(lower_priority).enable_all().build();
    made.inspect_err(|error| tracing::error!(%error, "Pages get no threads of their own")).ok()
});

fn lower_priority() {
    // A failure is unexpected, but not fatal.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

/// Runs all inner layers on this runtime. A form is carried out to its end, including saving the session, even if the browser disconnects:
/// it may be sent again, and then gets the first submission's result.
pub async fn run(request: Request, next: Next) -> Response {
    let to_its_end = request.method() == Method::POST;
    spawn(next.run(request), to_its_end).await
}

/// Runs a response future on this runtime.
pub async fn render(answer: impl Future<Output = Response> + Send + 'static) -> Response {
    spawn(answer, false).await
}

async fn spawn(answer: impl Future<Output = Response> + Send + 'static, to_its_end: bool) -> Response {
    let answer = request_id::carry(answer).instrument(Span::current());
    let Some(threads) = RUNTIME.as_ref() else { return answer.await };
    let mut task = AbortOnDrop { task: threads.spawn(answer), run_to_completion: to_its_end };
    match (&mut task.task).await {
        Ok(response) => response,
        // For the layer that catches panics.
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => unavailable(),
    }
}

/// Aborts the task when the caller goes away, unless it runs to completion: no page is rendered for a closed connection.
struct AbortOnDrop {
    task: JoinHandle<Response>,
    run_to_completion: bool,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if !self.run_to_completion {
            self.task.abort();
        }
    }
}
