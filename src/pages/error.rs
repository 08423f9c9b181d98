//! Pages for when something does not work, that a person can use.

use leptos::prelude::*;

use super::components::{DocumentTitle, Frame};
use crate::domain::paths;
use crate::server::context::words;

/// The page for a status. As a value in the context it replaces all pages.
#[derive(Clone, Copy)]
pub struct ErrorPage {
    pub status: u16,
}

impl ErrorPage {
    pub fn view(self) -> impl IntoView {
        let (title, sentence) = self.words();
        if let Ok(status) = self.status.try_into() {
            crate::server::context::set_status(status);
        }
        view! {
            <DocumentTitle title=title.clone() refused=true/>
            <Frame>
                <article class="page">
                    <h1>{title}</h1>
                    <p>{sentence}</p>
                    <p><a class="button" href=paths::HOME>{words().error_home()}</a></p>
                </article>
            </Frame>
        }
    }

    fn words(self) -> (String, String) {
        let w = words();
        match self.status {
            400 | 415 | 422 => (w.error_bad(), w.error_bad_means()),
            401 => (w.error_sign_in(), w.error_sign_in_means()),
            403 => (w.error_forbidden(), w.error_forbidden_means()),
            404 => (w.error_not_found(), w.error_not_found_means()),
            405 => (w.error_method(), w.error_method_means()),
            413 => (w.error_too_large(), w.error_too_large_means()),
            429 => (w.error_too_many(), w.error_too_many_means()),
            503 => (w.error_busy(), w.error_busy_means()),
            _ => (w.error_fault(), w.error_fault_means()),
        }
    }
}
