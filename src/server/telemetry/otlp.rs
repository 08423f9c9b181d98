//! Spans as OpenTelemetry traces, sent by OTLP over HTTP. Configured by the variables of the standard: `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`; without one of them, nothing is sent.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::server::request_id::RequestId;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// `None`: no endpoint is set. Events are not sent: they are lines of the log.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Result<Option<impl Layer<S>>, String> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].into_iter().any(is_set) {
        return Ok(None);
    }
    let exporter = SpanExporter::builder().with_http().build().map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    let resource = Resource::builder();
    let resource = if is_set("OTEL_SERVICE_NAME") { resource } else { resource.with_service_name("tms-portal") }.build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("tms-portal");
    let _ = PROVIDER.set(provider);
    let is_ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target().starts_with("tms_portal");
    Ok(Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter_fn(is_ours))))
}

pub fn annotate(span: &Span, request: &RequestId) {
    span.set_attribute("request_id", request.as_str().to_owned());
}

pub fn shut_down() {
    if let Some(provider) = PROVIDER.get() {
        // What could not be sent is lost; the log has the reason.
        let _ = provider.shutdown();
    }
}
