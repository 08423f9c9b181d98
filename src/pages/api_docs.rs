//! `/docs/api`: the TMS API, rendered from its OpenAPI description. No script: long parts are `<details>`. Some views erase their type
//! (`into_any`), which would otherwise become too long for the compiler.

mod curl;
mod model;
mod reference;

pub(super) use curl::line as curl;

use std::sync::OnceLock;

use leptos::either::Either;
use leptos::prelude::*;

use super::components::PageContent;
use crate::domain::paths;
use crate::i18n;
use crate::server::context;

pub(super) use model::Field;
use model::{ApiCaller, Operation, Reference, ResponseDoc, Section};

/// Built once: the description does not change while the server runs.
fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| Reference::read(crate::server::tms::openapi::document()))
}

/// The operation with this method and path.
pub(super) fn operation(method: &str, path: &str) -> Option<&'static Operation> {
    reference().sections.iter().flat_map(|section| &section.operations).find(|operation| operation.method == method && operation.path == path)
}

#[component]
pub fn ApiDocs() -> impl IntoView {
    let (reference, t) = (reference(), context::translations());
    let url = context::services().map(|services| services.public_url().to_owned()).unwrap_or_default();
    view! {
        <div lang="en" dir="ltr">
        <PageContent title="The TMS API" wide=true>
            {(t.tag() != i18n::fallback().tag()).then(|| view! { <p class="notice" lang=t.tag() dir=t.direction()>{t.api_docs_in_english()}</p> })}
            <p class="lead"><InlineText text=&reference.about/></p>
            <p>
                "Version " {reference.version.as_str()} ". Machine-readable: "
                <a href=paths::OPENAPI rel="external">"OpenAPI 3.1, as JSON"</a>"."
            </p>
            <Contents reference/>
            <section aria-labelledby="examples">
                <h2 id="examples">"Before you copy an example"</h2>
                <p>"The examples take addresses and secrets from variables of the shell. Replace the other names with your own."</p>
                <pre class="code-block" translate="no" dir="ltr"><code>{setup(&url)}</code></pre>
            </section>
            {reference.sections.iter().map(|section| view! { <SectionEntry section/> }).collect_view()}
            <section aria-labelledby="errors">
                <h2 id="errors">"Errors"</h2>
                <p>
                    "Each is a JSON object, such as " <code translate="no">"{\"result_code\": \"404\", \"result_msg\": \"NOT_FOUND\"}"</code>
                    ". Credentials are looked at before the body is read."
                </p>
                <div class="scroll" tabindex="0" role="group" aria-label="Errors">
                    <table>
                        <thead><tr><th scope="col">"Status"</th><th scope="col">"Meaning"</th></tr></thead>
                        <tbody>
                            {reference.errors.iter().map(|error| view! {
                                <tr><th scope="row">{error.status.as_str()}</th><td><InlineText text=&error.meaning/></td></tr>
                            }).collect_view()}
                        </tbody>
                    </table>
                </div>
            </section>
        </PageContent>
        </div>
    }
}

fn setup(url: &str) -> String {
    format!(
        "TMS_URL={url} TENANT=test CLIENT_ID=myapp ADMIN_ID='~~admin'\nread -rs CLIENT_SECRET   # or ADMIN_SECRET, ACCESS_TOKEN, CLIENT_TOKEN, HOST_CREDENTIAL"
    )
}

#[component]
fn Contents(reference: &'static Reference) -> impl IntoView {
    let link = |section: &'static Section| view! { <a href=format!("#{}", section.anchor)>{section.name.as_str()}</a> };
    view! {
        <nav class="contents" aria-label="Contents">
            <ul>
                {reference.sections.iter().map(|section| view! { <li>{link(section)}</li> }).collect_view()}
                <li><a href="#errors">"errors"</a></li>
            </ul>
            <details>
                <summary>{format!("All {} operations", reference.count())}</summary>
                <ol>
                    {reference.sections.iter().flat_map(|section| &section.operations).map(|operation| view! {
                        <li><a href=format!("#{}", operation.anchor)><Address operation/></a></li>
                    }).collect_view()}
                </ol>
            </details>
        </nav>
    }
}

#[component]
fn SectionEntry(section: &'static Section) -> impl IntoView {
    view! {
        <section aria-labelledby=section.anchor.as_str()>
            <h2 id=section.anchor.as_str()>{section.name.as_str()}</h2>
            <p class="hint"><InlineText text=&section.about/></p>
            {section.operations.iter().map(|operation| view! { <OperationEntry operation/> }).collect_view()}
        </section>
    }
}

#[component]
fn OperationEntry(operation: &'static Operation) -> impl IntoView {
    let Operation { anchor, summary, about, callers, fields, response, errors, curl, .. } = operation;
    view! {
        <article class="card operation" id=anchor.as_str()>
            <h3><a href=format!("#{anchor}")><Address operation/></a></h3>
            <p><strong><InlineText text=summary/></strong> " " <InlineText text=about/></p>
            <p class="hint">"Callers: " <CallerList callers/></p>
            <details>
                <summary aria-label=format!("Fields, example, response of {} {}", operation.method, operation.path)>"Fields, example, response"</summary>
                {(!fields.is_empty()).then(|| view! { <FieldTable title="Send" of=operation fields/> })}
                <h4>"Example"</h4>
                <pre class="code-block" translate="no" dir="ltr"><code>{curl.as_str()}</code></pre>
                <ResponseEntry operation response/>
                <p class="hint">"Errors: " {errors.join(", ")} " (" <a href="#errors">"what they mean"</a> ")"</p>
            </details>
        </article>
    }
    .into_any()
}

#[component]
fn ResponseEntry(operation: &'static Operation, response: &'static ResponseDoc) -> impl IntoView {
    let title = format!("Response {}: {}", response.status, response.about);
    if response.fields.is_empty() {
        Either::Left(view! { <h4>{title}</h4> })
    } else {
        Either::Right(view! { <FieldTable title of=operation fields=&response.fields/> })
    }
}

/// Method and path.
#[component]
fn Address(operation: &'static Operation) -> impl IntoView {
    view! {
        <span class="method" data-method=operation.method.as_str()>{operation.method.as_str()}</span>
        " "
        <code translate="no">{operation.path.as_str()}</code>
    }
}

#[component]
fn CallerList(callers: &'static [ApiCaller]) -> impl IntoView {
    let said = |(n, caller): (usize, &'static ApiCaller)| {
        let headers: Vec<&str> =
            caller.headers.iter().map(|(name, _)| if *name == "Authorization" { "Authorization: Bearer" } else { name }).collect();
        view! {
            {(n > 0).then_some(", or ")}
            {caller.who.as_str()}
            {(!headers.is_empty()).then(|| view! { " (" <code translate="no">{headers.join(", ")}</code> ")" })}
        }
    };
    callers.iter().enumerate().map(said).collect_view()
}

/// The fields of a request or of a response.
#[component]
fn FieldTable(#[prop(into)] title: String, of: &'static Operation, fields: &'static [Field]) -> impl IntoView {
    let sent = fields.iter().any(|field| !field.location.is_empty());
    let (always, sometimes) = if sent { ("required", "optional") } else { ("always", "not always") };
    let label = format!("{title}, {} {}", of.method, of.path);
    view! {
        <h4>{title}</h4>
        <div class="scroll" tabindex="0" role="group" aria-label=label>
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        {sent.then(|| view! { <th scope="col">"In"</th> })}
                        <th scope="col">"Type"</th>
                        <th scope="col">{if sent { "Required" } else { "There" }}</th>
                        <th scope="col">"Meaning"</th>
                    </tr>
                </thead>
                <tbody>
                    {fields.iter().map(|field| view! {
                        <tr>
                            <th scope="row"><code translate="no">{field.name.as_str()}</code></th>
                            {sent.then(|| view! { <td>{field.location}</td> })}
                            <td>{field.kind.as_str()}</td>
                            <td>{if field.required { always } else { sometimes }}</td>
                            <td><InlineText text=&field.meaning/></td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A text in which backticks mark code.
#[component]
fn InlineText(text: &'static str) -> impl IntoView {
    let part = |(n, part): (usize, &'static str)| {
        if n % 2 == 1 { Either::Left(view! { <code translate="no">{part}</code> }) } else { Either::Right(part) }
    };
    text.split('`').enumerate().map(part).collect_view()
}
